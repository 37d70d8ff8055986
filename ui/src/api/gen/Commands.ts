// Made by `cargo xtask bindings` from the command table. Do not edit.
import type { Absence } from "./Absence";
import type { AbsenceLimit } from "./AbsenceLimit";
import type { Account } from "./Account";
import type { AccountRow } from "./AccountRow";
import type { AccountTest } from "./AccountTest";
import type { AddAccount } from "./AddAccount";
import type { AddConsent } from "./AddConsent";
import type { AddContact } from "./AddContact";
import type { AddField } from "./AddField";
import type { AddFolder } from "./AddFolder";
import type { AddMailbox } from "./AddMailbox";
import type { AddProvider } from "./AddProvider";
import type { AddSuppression } from "./AddSuppression";
import type { AdjustScore } from "./AdjustScore";
import type { AnswerAbsence } from "./AnswerAbsence";
import type { ApplyCleansing } from "./ApplyCleansing";
import type { AskHistory } from "./AskHistory";
import type { AskLedger } from "./AskLedger";
import type { AskMissing } from "./AskMissing";
import type { AskQuality } from "./AskQuality";
import type { AskSuppressed } from "./AskSuppressed";
import type { AskTimeline } from "./AskTimeline";
import type { AskWhy } from "./AskWhy";
import type { BacktestScore } from "./BacktestScore";
import type { BackupMade } from "./BackupMade";
import type { BehindSimulation } from "./BehindSimulation";
import type { CampaignListRow } from "./CampaignListRow";
import type { CampaignPeople } from "./CampaignPeople";
import type { CampaignPreview } from "./CampaignPreview";
import type { CampaignView } from "./CampaignView";
import type { Changed } from "./Changed";
import type { CheckJourney } from "./CheckJourney";
import type { CheckScore } from "./CheckScore";
import type { ChooseVariant } from "./ChooseVariant";
import type { CleansingPage } from "./CleansingPage";
import type { CleansingRows } from "./CleansingRows";
import type { CleansingShown } from "./CleansingShown";
import type { ClockView } from "./ClockView";
import type { CompaniesPage } from "./CompaniesPage";
import type { CompanyFound } from "./CompanyFound";
import type { CompanyGone } from "./CompanyGone";
import type { CompanyPage } from "./CompanyPage";
import type { CompanyRemoved } from "./CompanyRemoved";
import type { CompanyRestored } from "./CompanyRestored";
import type { CompanyRow } from "./CompanyRow";
import type { CompareSegment } from "./CompareSegment";
import type { ConnectByDomain } from "./ConnectByDomain";
import type { ConnectCompany } from "./ConnectCompany";
import type { Consent } from "./Consent";
import type { ConsentsOf } from "./ConsentsOf";
import type { ContactPage } from "./ContactPage";
import type { ContactRow } from "./ContactRow";
import type { ContactScore } from "./ContactScore";
import type { ContactsPage } from "./ContactsPage";
import type { CountSegment } from "./CountSegment";
import type { CreateBackup } from "./CreateBackup";
import type { CreateCompany } from "./CreateCompany";
import type { CreateSample } from "./CreateSample";
import type { CreateWorkspace } from "./CreateWorkspace";
import type { DecideReply } from "./DecideReply";
import type { DeleteContacts } from "./DeleteContacts";
import type { Deleted } from "./Deleted";
import type { Diagnostics } from "./Diagnostics";
import type { DkimRecord } from "./DkimRecord";
import type { Done } from "./Done";
import type { DuplicatePair } from "./DuplicatePair";
import type { DuplicateRules } from "./DuplicateRules";
import type { DuplicateShown } from "./DuplicateShown";
import type { DuplicatesPage } from "./DuplicatesPage";
import type { DuplicatesShown } from "./DuplicatesShown";
import type { EnterByHand } from "./EnterByHand";
import type { Entering } from "./Entering";
import type { Event } from "./Event";
import type { EventsOf } from "./EventsOf";
import type { EventsPlan } from "./EventsPlan";
import type { EventsPreview } from "./EventsPreview";
import type { ExportJourney } from "./ExportJourney";
import type { ExportStarted } from "./ExportStarted";
import type { ExportTable } from "./ExportTable";
import type { Fact } from "./Fact";
import type { Field } from "./Field";
import type { FindCleansing } from "./FindCleansing";
import type { FindCompany } from "./FindCompany";
import type { FindContact } from "./FindContact";
import type { FolderFile } from "./FolderFile";
import type { FolderFilesOf } from "./FolderFilesOf";
import type { ForgetWorkspace } from "./ForgetWorkspace";
import type { Found } from "./Found";
import type { FrameOf } from "./FrameOf";
import type { FrameShown } from "./FrameShown";
import type { FunnelOf } from "./FunnelOf";
import type { FunnelReport } from "./FunnelReport";
import type { GrowthReport } from "./GrowthReport";
import type { HistoryEntry } from "./HistoryEntry";
import type { HomeOverview } from "./HomeOverview";
import type { ImportFile } from "./ImportFile";
import type { ImportPlan } from "./ImportPlan";
import type { ImportPreview } from "./ImportPreview";
import type { ImportRow } from "./ImportRow";
import type { ImportStarted } from "./ImportStarted";
import type { ImportTemplate } from "./ImportTemplate";
import type { ImportText } from "./ImportText";
import type { Imported } from "./Imported";
import type { InviteMachine } from "./InviteMachine";
import type { JobStarted } from "./JobStarted";
import type { JobView } from "./JobView";
import type { JoinRelay } from "./JoinRelay";
import type { JourneyCounts } from "./JourneyCounts";
import type { JourneyRow } from "./JourneyRow";
import type { JourneyText } from "./JourneyText";
import type { JourneyView } from "./JourneyView";
import type { JumpClock } from "./JumpClock";
import type { LiftSuppression } from "./LiftSuppression";
import type { Listening } from "./Listening";
import type { LookIntoFolder } from "./LookIntoFolder";
import type { MachineInvitation } from "./MachineInvitation";
import type { Mailbox } from "./Mailbox";
import type { MailboxPresetsView } from "./MailboxPresetsView";
import type { MailboxTest } from "./MailboxTest";
import type { MailboxView } from "./MailboxView";
import type { MakeDkim } from "./MakeDkim";
import type { MergeDuplicates } from "./MergeDuplicates";
import type { MergeView } from "./MergeView";
import type { MergesPage } from "./MergesPage";
import type { MessageDetail } from "./MessageDetail";
import type { MessagesReport } from "./MessagesReport";
import type { MissingReport } from "./MissingReport";
import type { Named } from "./Named";
import type { NearClause } from "./NearClause";
import type { NoArgs } from "./NoArgs";
import type { OfContact } from "./OfContact";
import type { OneAccount } from "./OneAccount";
import type { OneCampaign } from "./OneCampaign";
import type { OneCleansing } from "./OneCleansing";
import type { OneCompany } from "./OneCompany";
import type { OneContact } from "./OneContact";
import type { OneFolder } from "./OneFolder";
import type { OneFolderFile } from "./OneFolderFile";
import type { OneImport } from "./OneImport";
import type { OneJob } from "./OneJob";
import type { OneJourney } from "./OneJourney";
import type { OneMailbox } from "./OneMailbox";
import type { OneMerge } from "./OneMerge";
import type { OneMessage } from "./OneMessage";
import type { OneProvider } from "./OneProvider";
import type { OneScore } from "./OneScore";
import type { OneSegment } from "./OneSegment";
import type { OneTemplate } from "./OneTemplate";
import type { OpenEvents } from "./OpenEvents";
import type { OpenImport } from "./OpenImport";
import type { OpenWorkspace } from "./OpenWorkspace";
import type { OutboxPage } from "./OutboxPage";
import type { OutboxRow } from "./OutboxRow";
import type { OutboxSummary } from "./OutboxSummary";
import type { Page } from "./Page";
import type { PairRelay } from "./PairRelay";
import type { PathOf } from "./PathOf";
import type { PeopleAt } from "./PeopleAt";
import type { PlanTest } from "./PlanTest";
import type { PlayClock } from "./PlayClock";
import type { PreviewScore } from "./PreviewScore";
import type { Problem } from "./Problem";
import type { ProviderKindView } from "./ProviderKindView";
import type { ProviderSaved } from "./ProviderSaved";
import type { ProviderTest } from "./ProviderTest";
import type { ProviderView } from "./ProviderView";
import type { PublishJourney } from "./PublishJourney";
import type { PublishedNow } from "./PublishedNow";
import type { QualityContacts } from "./QualityContacts";
import type { QualityShown } from "./QualityShown";
import type { RecallSecs } from "./RecallSecs";
import type { RecentWorkspace } from "./RecentWorkspace";
import type { RelaySettings } from "./RelaySettings";
import type { RelayTest } from "./RelayTest";
import type { RelayView } from "./RelayView";
import type { RenderTemplate } from "./RenderTemplate";
import type { RenderedTemplate } from "./RenderedTemplate";
import type { ResolveState } from "./ResolveState";
import type { ResponsePage } from "./ResponsePage";
import type { ResponseView } from "./ResponseView";
import type { ResponsesOf } from "./ResponsesOf";
import type { ResponsesPage } from "./ResponsesPage";
import type { RestoreBackup } from "./RestoreBackup";
import type { Restored } from "./Restored";
import type { ResumeImport } from "./ResumeImport";
import type { RetireField } from "./RetireField";
import type { RunArgs } from "./RunArgs";
import type { SampleSize } from "./SampleSize";
import type { SaveCampaign } from "./SaveCampaign";
import type { SaveErrors } from "./SaveErrors";
import type { SaveJourney } from "./SaveJourney";
import type { SaveScore } from "./SaveScore";
import type { SaveSegment } from "./SaveSegment";
import type { SaveTemplate } from "./SaveTemplate";
import type { SaveTopics } from "./SaveTopics";
import type { Saved } from "./Saved";
import type { SavedJourney } from "./SavedJourney";
import type { SayDuplicate } from "./SayDuplicate";
import type { ScoreBacktest } from "./ScoreBacktest";
import type { ScoreLedgerRow } from "./ScoreLedgerRow";
import type { ScorePreview } from "./ScorePreview";
import type { ScoreRow } from "./ScoreRow";
import type { ScoreTrouble } from "./ScoreTrouble";
import type { SecretKept } from "./SecretKept";
import type { Segment } from "./Segment";
import type { SegmentCheck } from "./SegmentCheck";
import type { SegmentCount } from "./SegmentCount";
import type { SegmentMembers } from "./SegmentMembers";
import type { SegmentOverlap } from "./SegmentOverlap";
import type { SegmentRow } from "./SegmentRow";
import type { SegmentUsers } from "./SegmentUsers";
import type { SenderPresetView } from "./SenderPresetView";
import type { Sending } from "./Sending";
import type { SetFolder } from "./SetFolder";
import type { SetListening } from "./SetListening";
import type { SetMailboxSecret } from "./SetMailboxSecret";
import type { SetProviderSecret } from "./SetProviderSecret";
import type { SetSecret } from "./SetSecret";
import type { Settings } from "./Settings";
import type { SignInAccount } from "./SignInAccount";
import type { SignInMailbox } from "./SignInMailbox";
import type { SignInStarted } from "./SignInStarted";
import type { SimulateJourney } from "./SimulateJourney";
import type { Span } from "./Span";
import type { StartCampaign } from "./StartCampaign";
import type { Starter } from "./Starter";
import type { StateNow } from "./StateNow";
import type { StepKindFace } from "./StepKindFace";
import type { Suppressed } from "./Suppressed";
import type { SuppressionCount } from "./SuppressionCount";
import type { SwitchAccount } from "./SwitchAccount";
import type { SwitchDkim } from "./SwitchDkim";
import type { SwitchMailbox } from "./SwitchMailbox";
import type { SwitchProvider } from "./SwitchProvider";
import type { TagContacts } from "./TagContacts";
import type { TakeInMail } from "./TakeInMail";
import type { TakenIn } from "./TakenIn";
import type { Template } from "./Template";
import type { TemplateRow } from "./TemplateRow";
import type { TestAccount } from "./TestAccount";
import type { TestPlan } from "./TestPlan";
import type { TextOnly } from "./TextOnly";
import type { TimelineEntry } from "./TimelineEntry";
import type { Topic } from "./Topic";
import type { Trial } from "./Trial";
import type { TryJourney } from "./TryJourney";
import type { UndecidedOf } from "./UndecidedOf";
import type { UndecidedReplies } from "./UndecidedReplies";
import type { UnlockPasswords } from "./UnlockPasswords";
import type { UpdateAccount } from "./UpdateAccount";
import type { UpdateCompany } from "./UpdateCompany";
import type { UpdateContact } from "./UpdateContact";
import type { UpdateMailbox } from "./UpdateMailbox";
import type { UpdateProvider } from "./UpdateProvider";
import type { Vocabulary } from "./Vocabulary";
import type { WatchedFolder } from "./WatchedFolder";
import type { WhyAnswer } from "./WhyAnswer";
import type { WorkspaceInfo } from "./WorkspaceInfo";
import type { WorldActArgs } from "./WorldActArgs";
import type { WorldMail } from "./WorldMail";
import type { WorldMailArgs } from "./WorldMailArgs";
import type { WorldMailPage } from "./WorldMailPage";
import type { WorldMailRow } from "./WorldMailRow";
import type { WorldMailsArgs } from "./WorldMailsArgs";
import type { WorldSettings } from "./WorldSettings";
import type { WorldView } from "./WorldView";

export type Commands = {
  "absence.answer": { kind: "mutate"; req: AnswerAbsence; res: Done; reads: [] };
  "absence.close": { kind: "mutate"; req: NoArgs; res: Done; reads: [] };
  "absence.get": { kind: "query"; req: NoArgs; res: Absence | null; reads: ["workspace", "outbox", "journeys", "campaigns"] };
  "absence.limit": { kind: "query"; req: NoArgs; res: AbsenceLimit; reads: ["workspace"] };
  "absence.set_limit": { kind: "mutate"; req: AbsenceLimit; res: Done; reads: [] };
  "accounts.add": { kind: "mutate"; req: AddAccount; res: Account; reads: [] };
  "accounts.delete": { kind: "mutate"; req: OneAccount; res: Done; reads: [] };
  "accounts.dkim_make": { kind: "mutate"; req: MakeDkim; res: DkimRecord; reads: [] };
  "accounts.dkim_record": { kind: "query"; req: OneAccount; res: DkimRecord; reads: ["accounts"] };
  "accounts.dkim_remove": { kind: "mutate"; req: OneAccount; res: Done; reads: [] };
  "accounts.dkim_switch": { kind: "mutate"; req: SwitchDkim; res: Done; reads: [] };
  "accounts.list": { kind: "query"; req: NoArgs; res: Array<AccountRow>; reads: ["accounts", "outbox"] };
  "accounts.set_secret": { kind: "mutate"; req: SetSecret; res: SecretKept; reads: [] };
  "accounts.sign_in": { kind: "mutate"; req: SignInAccount; res: SignInStarted; reads: [] };
  "accounts.switch": { kind: "mutate"; req: SwitchAccount; res: Done; reads: [] };
  "accounts.test": { kind: "mutate"; req: TestAccount; res: AccountTest; reads: [] };
  "accounts.unlock": { kind: "mutate"; req: UnlockPasswords; res: Done; reads: [] };
  "accounts.update": { kind: "mutate"; req: UpdateAccount; res: Account; reads: [] };
  "backup.create": { kind: "mutate"; req: CreateBackup; res: BackupMade; reads: [] };
  "backup.restore": { kind: "mutate"; req: RestoreBackup; res: Restored; reads: [] };
  "campaigns.choose": { kind: "mutate"; req: ChooseVariant; res: CampaignView; reads: [] };
  "campaigns.delete": { kind: "mutate"; req: OneCampaign; res: Done; reads: [] };
  "campaigns.duplicate": { kind: "mutate"; req: OneCampaign; res: CampaignView; reads: [] };
  "campaigns.get": { kind: "query"; req: OneCampaign; res: CampaignView; reads: ["campaigns", "outbox", "enrolments", "accounts"] };
  "campaigns.list": { kind: "query"; req: NoArgs; res: Array<CampaignListRow>; reads: ["campaigns", "outbox"] };
  "campaigns.pause": { kind: "mutate"; req: OneCampaign; res: CampaignView; reads: [] };
  "campaigns.people": { kind: "query"; req: CampaignPeople; res: Array<Named>; reads: ["campaigns", "membership", "contacts", "consents", "suppressions", "segments", "responses"] };
  "campaigns.plan": { kind: "query"; req: PlanTest; res: TestPlan; reads: ["events", "reports"] };
  "campaigns.preview": { kind: "query"; req: OneCampaign; res: CampaignPreview; reads: ["campaigns", "membership", "contacts", "consents", "suppressions", "segments", "templates", "accounts", "outbox", "workspace", "responses"] };
  "campaigns.recall": { kind: "mutate"; req: OneCampaign; res: CampaignView; reads: [] };
  "campaigns.recall_secs": { kind: "query"; req: NoArgs; res: RecallSecs; reads: ["workspace"] };
  "campaigns.resume": { kind: "mutate"; req: OneCampaign; res: CampaignView; reads: [] };
  "campaigns.save": { kind: "mutate"; req: SaveCampaign; res: CampaignView; reads: [] };
  "campaigns.set_recall_secs": { kind: "mutate"; req: RecallSecs; res: RecallSecs; reads: [] };
  "campaigns.start": { kind: "mutate"; req: StartCampaign; res: CampaignView; reads: [] };
  "campaigns.stop": { kind: "mutate"; req: OneCampaign; res: CampaignView; reads: [] };
  "cleansing.apply": { kind: "mutate"; req: ApplyCleansing; res: JobStarted; reads: [] };
  "cleansing.find": { kind: "mutate"; req: FindCleansing; res: JobStarted; reads: [] };
  "cleansing.measure": { kind: "mutate"; req: NoArgs; res: JobStarted; reads: [] };
  "cleansing.page": { kind: "query"; req: CleansingPage; res: CleansingRows; reads: ["cleansing", "contacts", "suppressions"] };
  "cleansing.quality": { kind: "query"; req: NoArgs; res: QualityShown; reads: ["cleansing", "fields"] };
  "cleansing.quality_contacts": { kind: "query"; req: AskQuality; res: QualityContacts; reads: ["cleansing", "contacts", "fields"] };
  "cleansing.show": { kind: "query"; req: NoArgs; res: CleansingShown; reads: ["cleansing"] };
  "cleansing.undo": { kind: "mutate"; req: OneCleansing; res: JobStarted; reads: [] };
  "clock.get": { kind: "query"; req: NoArgs; res: ClockView; reads: ["clock", "enrolments", "outbox", "journeys"] };
  "clock.jump": { kind: "mutate"; req: JumpClock; res: JobStarted; reads: [] };
  "clock.pause": { kind: "mutate"; req: NoArgs; res: ClockView; reads: [] };
  "clock.play": { kind: "mutate"; req: PlayClock; res: ClockView; reads: [] };
  "companies.connect": { kind: "mutate"; req: ConnectCompany; res: Changed; reads: [] };
  "companies.connect_by_domain": { kind: "mutate"; req: ConnectByDomain; res: Changed; reads: [] };
  "companies.create": { kind: "mutate"; req: CreateCompany; res: CompanyFound; reads: [] };
  "companies.find": { kind: "query"; req: FindCompany; res: CompanyFound; reads: ["companies"] };
  "companies.get": { kind: "query"; req: OneCompany; res: CompanyPage; reads: ["companies", "contacts", "fields", "scores", "tags", "events", "segments", "consents", "suppressions", "outbox", "clock"] };
  "companies.list": { kind: "query"; req: CompaniesPage; res: Page<CompanyRow>; reads: ["companies", "contacts", "fields", "scores", "tags", "events", "segments", "consents", "suppressions", "outbox", "clock"] };
  "companies.remove": { kind: "mutate"; req: OneCompany; res: CompanyRemoved; reads: [] };
  "companies.removed": { kind: "query"; req: NoArgs; res: Array<CompanyGone>; reads: ["companies"] };
  "companies.restore": { kind: "mutate"; req: OneCompany; res: CompanyRestored; reads: [] };
  "companies.update": { kind: "mutate"; req: UpdateCompany; res: Done; reads: [] };
  "consents.add": { kind: "mutate"; req: AddConsent; res: Done; reads: [] };
  "consents.of": { kind: "query"; req: ConsentsOf; res: Array<Consent>; reads: ["consents"] };
  "contacts.add": { kind: "mutate"; req: AddContact; res: Found; reads: [] };
  "contacts.delete": { kind: "mutate"; req: DeleteContacts; res: Deleted; reads: [] };
  "contacts.find": { kind: "query"; req: FindContact; res: Found; reads: ["contacts"] };
  "contacts.get": { kind: "query"; req: OneContact; res: ContactPage; reads: ["contacts", "companies", "fields", "tags", "consents", "suppressions", "enrolments", "membership", "responses"] };
  "contacts.history": { kind: "query"; req: AskHistory; res: Page<HistoryEntry>; reads: ["contacts", "companies", "fields", "imports", "journeys", "duplicates"] };
  "contacts.import_dry_run": { kind: "mutate"; req: ImportPlan; res: JobStarted; reads: [] };
  "contacts.import_open": { kind: "mutate"; req: OpenImport; res: ImportPreview; reads: [] };
  "contacts.import_resume": { kind: "mutate"; req: ResumeImport; res: ImportStarted; reads: [] };
  "contacts.import_run": { kind: "mutate"; req: ImportPlan; res: ImportStarted; reads: [] };
  "contacts.page": { kind: "query"; req: ContactsPage; res: Page<ContactRow>; reads: ["contacts", "companies", "fields", "tags", "consents", "suppressions", "membership"] };
  "contacts.tag": { kind: "mutate"; req: TagContacts; res: Changed; reads: [] };
  "contacts.timeline": { kind: "query"; req: AskTimeline; res: Array<TimelineEntry>; reads: ["contacts", "consents", "events", "outbox", "enrolments"] };
  "contacts.update": { kind: "mutate"; req: UpdateContact; res: Done; reads: [] };
  "demo.create": { kind: "mutate"; req: SampleSize; res: JobStarted; reads: [] };
  "demo.create_file": { kind: "mutate"; req: CreateSample; res: JobStarted; reads: [] };
  "demo.open": { kind: "mutate"; req: NoArgs; res: WorkspaceInfo; reads: [] };
  "diagnostics.get": { kind: "query"; req: NoArgs; res: Diagnostics; reads: [] };
  "duplicates.find": { kind: "mutate"; req: NoArgs; res: JobStarted; reads: [] };
  "duplicates.merge": { kind: "mutate"; req: MergeDuplicates; res: OneMerge; reads: [] };
  "duplicates.merges": { kind: "query"; req: MergesPage; res: Array<MergeView>; reads: ["duplicates", "contacts"] };
  "duplicates.page": { kind: "query"; req: DuplicatesPage; res: DuplicatesShown; reads: ["duplicates", "contacts"] };
  "duplicates.rules": { kind: "query"; req: NoArgs; res: DuplicateRules; reads: ["fields", "workspace"] };
  "duplicates.save_rules": { kind: "mutate"; req: DuplicateRules; res: DuplicateRules; reads: [] };
  "duplicates.say": { kind: "mutate"; req: SayDuplicate; res: Done; reads: [] };
  "duplicates.show": { kind: "query"; req: DuplicatePair; res: DuplicateShown; reads: ["duplicates", "contacts", "fields", "tags", "consents", "suppressions", "events", "outbox", "enrolments"] };
  "duplicates.unmerge": { kind: "mutate"; req: OneMerge; res: Done; reads: [] };
  "events.import_open": { kind: "mutate"; req: OpenEvents; res: EventsPreview; reads: [] };
  "events.import_run": { kind: "mutate"; req: EventsPlan; res: ImportStarted; reads: [] };
  "events.of": { kind: "query"; req: EventsOf; res: Array<Event>; reads: ["events"] };
  "exports.start": { kind: "mutate"; req: ExportTable; res: ExportStarted; reads: [] };
  "fields.add": { kind: "mutate"; req: AddField; res: Field; reads: [] };
  "fields.list": { kind: "query"; req: NoArgs; res: Array<Field>; reads: ["fields"] };
  "fields.retire": { kind: "mutate"; req: RetireField; res: Done; reads: [] };
  "files.frame": { kind: "query"; req: FrameOf; res: FrameShown; reads: [] };
  "home.overview": { kind: "query"; req: NoArgs; res: HomeOverview; reads: ["contacts", "consents", "enrolments", "journeys", "outbox", "segments", "templates", "accounts", "events", "imports", "reports", "workspace", "clock"] };
  "imports.errors": { kind: "mutate"; req: SaveErrors; res: Saved; reads: [] };
  "imports.folder_add": { kind: "mutate"; req: AddFolder; res: WatchedFolder; reads: [] };
  "imports.folder_files": { kind: "query"; req: FolderFilesOf; res: Array<FolderFile>; reads: ["imports"] };
  "imports.folder_leave": { kind: "mutate"; req: OneFolderFile; res: Done; reads: [] };
  "imports.folder_look": { kind: "mutate"; req: LookIntoFolder; res: JobStarted; reads: [] };
  "imports.folder_remove": { kind: "mutate"; req: OneFolder; res: Done; reads: [] };
  "imports.folder_set": { kind: "mutate"; req: SetFolder; res: WatchedFolder; reads: [] };
  "imports.folder_take": { kind: "mutate"; req: OneFolderFile; res: JobStarted; reads: [] };
  "imports.folders": { kind: "query"; req: NoArgs; res: Array<WatchedFolder>; reads: ["imports"] };
  "imports.get": { kind: "query"; req: OneImport; res: ImportRow; reads: ["imports"] };
  "imports.list": { kind: "query"; req: NoArgs; res: Array<ImportRow>; reads: ["imports"] };
  "imports.undo": { kind: "mutate"; req: OneImport; res: JobStarted; reads: [] };
  "jobs.cancel": { kind: "mutate"; req: OneJob; res: Done; reads: [] };
  "jobs.get": { kind: "query"; req: OneJob; res: JobView; reads: [] };
  "journeys.behind": { kind: "mutate"; req: BehindSimulation; res: JobStarted; reads: [] };
  "journeys.catalogue": { kind: "query"; req: NoArgs; res: Array<StepKindFace>; reads: [] };
  "journeys.check": { kind: "query"; req: CheckJourney; res: Array<Problem>; reads: ["journeys", "fields", "segments", "templates", "accounts"] };
  "journeys.counts": { kind: "query"; req: OneJourney; res: JourneyCounts; reads: ["journeys", "enrolments", "reports"] };
  "journeys.delete": { kind: "mutate"; req: OneJourney; res: Done; reads: [] };
  "journeys.drain": { kind: "mutate"; req: OneJourney; res: StateNow; reads: [] };
  "journeys.duplicate": { kind: "mutate"; req: OneJourney; res: SavedJourney; reads: [] };
  "journeys.enter": { kind: "mutate"; req: EnterByHand; res: Done; reads: [] };
  "journeys.entering": { kind: "query"; req: OneJourney; res: Entering; reads: ["journeys", "membership"] };
  "journeys.export": { kind: "query"; req: OneJourney; res: JourneyText; reads: ["journeys"] };
  "journeys.export_file": { kind: "mutate"; req: ExportJourney; res: Saved; reads: [] };
  "journeys.get": { kind: "query"; req: OneJourney; res: JourneyView; reads: ["journeys", "fields", "segments", "templates", "accounts"] };
  "journeys.import": { kind: "mutate"; req: ImportText; res: Imported; reads: [] };
  "journeys.import_file": { kind: "mutate"; req: ImportFile; res: Imported; reads: [] };
  "journeys.list": { kind: "query"; req: NoArgs; res: Array<JourneyRow>; reads: ["journeys", "enrolments", "outbox", "reports"] };
  "journeys.path": { kind: "query"; req: PathOf; res: Array<Fact>; reads: ["enrolments"] };
  "journeys.pause": { kind: "mutate"; req: OneJourney; res: StateNow; reads: [] };
  "journeys.people": { kind: "query"; req: PeopleAt; res: Array<Named>; reads: ["enrolments"] };
  "journeys.publish": { kind: "mutate"; req: PublishJourney; res: PublishedNow; reads: [] };
  "journeys.resume": { kind: "mutate"; req: OneJourney; res: StateNow; reads: [] };
  "journeys.save": { kind: "mutate"; req: SaveJourney; res: SavedJourney; reads: [] };
  "journeys.simulate": { kind: "mutate"; req: SimulateJourney; res: JobStarted; reads: [] };
  "journeys.stop": { kind: "mutate"; req: OneJourney; res: StateNow; reads: [] };
  "journeys.try": { kind: "query"; req: TryJourney; res: Trial; reads: [] };
  "listening.get": { kind: "query"; req: NoArgs; res: Listening; reads: ["opt_out_sources", "accounts", "workspace"] };
  "listening.set": { kind: "mutate"; req: SetListening; res: Done; reads: [] };
  "mailboxes.add": { kind: "mutate"; req: AddMailbox; res: Mailbox; reads: [] };
  "mailboxes.delete": { kind: "mutate"; req: OneMailbox; res: Done; reads: [] };
  "mailboxes.list": { kind: "query"; req: NoArgs; res: Array<MailboxView>; reads: ["mailboxes", "opt_out_sources"] };
  "mailboxes.presets": { kind: "query"; req: NoArgs; res: MailboxPresetsView; reads: [] };
  "mailboxes.read_now": { kind: "mutate"; req: NoArgs; res: JobStarted; reads: [] };
  "mailboxes.set_secret": { kind: "mutate"; req: SetMailboxSecret; res: Done; reads: [] };
  "mailboxes.sign_in": { kind: "mutate"; req: SignInMailbox; res: SignInStarted; reads: [] };
  "mailboxes.switch": { kind: "mutate"; req: SwitchMailbox; res: Done; reads: [] };
  "mailboxes.test": { kind: "mutate"; req: OneMailbox; res: MailboxTest; reads: [] };
  "mailboxes.update": { kind: "mutate"; req: UpdateMailbox; res: Mailbox; reads: [] };
  "outbox.get": { kind: "query"; req: OneMessage; res: MessageDetail; reads: ["outbox"] };
  "outbox.page": { kind: "query"; req: OutboxPage; res: Page<OutboxRow>; reads: ["outbox"] };
  "outbox.pause": { kind: "mutate"; req: NoArgs; res: Sending; reads: [] };
  "outbox.resolve_state": { kind: "mutate"; req: ResolveState; res: Changed; reads: [] };
  "outbox.resume": { kind: "mutate"; req: NoArgs; res: Sending; reads: [] };
  "outbox.summary": { kind: "query"; req: NoArgs; res: OutboxSummary; reads: ["outbox", "workspace", "accounts"] };
  "presets.senders": { kind: "query"; req: NoArgs; res: Array<SenderPresetView>; reads: [] };
  "providers.add": { kind: "mutate"; req: AddProvider; res: ProviderSaved; reads: [] };
  "providers.delete": { kind: "mutate"; req: OneProvider; res: Done; reads: [] };
  "providers.kinds": { kind: "query"; req: NoArgs; res: Array<ProviderKindView>; reads: [] };
  "providers.list": { kind: "query"; req: NoArgs; res: Array<ProviderView>; reads: ["providers", "opt_out_sources", "accounts"] };
  "providers.set_secret": { kind: "mutate"; req: SetProviderSecret; res: Done; reads: [] };
  "providers.switch": { kind: "mutate"; req: SwitchProvider; res: Done; reads: [] };
  "providers.test": { kind: "mutate"; req: OneProvider; res: ProviderTest; reads: [] };
  "providers.update": { kind: "mutate"; req: UpdateProvider; res: ProviderSaved; reads: [] };
  "relay.confirming": { kind: "query"; req: NoArgs; res: Array<string>; reads: ["journeys", "templates"] };
  "relay.get": { kind: "query"; req: NoArgs; res: RelayView; reads: ["relay", "opt_out_sources"] };
  "relay.invite": { kind: "mutate"; req: InviteMachine; res: MachineInvitation; reads: [] };
  "relay.join": { kind: "mutate"; req: JoinRelay; res: RelayView; reads: [] };
  "relay.pair": { kind: "mutate"; req: PairRelay; res: RelayView; reads: [] };
  "relay.save_settings": { kind: "mutate"; req: RelaySettings; res: Done; reads: [] };
  "relay.settings": { kind: "query"; req: NoArgs; res: RelaySettings; reads: ["relay", "workspace"] };
  "relay.test": { kind: "mutate"; req: NoArgs; res: RelayTest; reads: [] };
  "relay.unpair": { kind: "mutate"; req: NoArgs; res: Done; reads: [] };
  "reports.funnel": { kind: "query"; req: FunnelOf; res: FunnelReport; reads: ["reports", "enrolments", "journeys"] };
  "reports.growth": { kind: "query"; req: Span; res: GrowthReport; reads: ["reports"] };
  "reports.messages": { kind: "query"; req: Span; res: MessagesReport; reads: ["reports"] };
  "responses.decide": { kind: "mutate"; req: DecideReply; res: Done; reads: [] };
  "responses.of_message": { kind: "query"; req: ResponsesOf; res: Array<ResponseView>; reads: ["responses"] };
  "responses.page": { kind: "query"; req: ResponsesPage; res: ResponsePage; reads: ["responses"] };
  "responses.take_in_mail": { kind: "mutate"; req: TakeInMail; res: TakenIn; reads: [] };
  "responses.undecided": { kind: "query"; req: NoArgs; res: UndecidedReplies; reads: ["responses"] };
  "responses.undecided_of": { kind: "query"; req: UndecidedOf; res: Array<ResponseView>; reads: ["responses"] };
  "runtime.run": { kind: "mutate"; req: RunArgs; res: JobStarted; reads: [] };
  "scores.adjust": { kind: "mutate"; req: AdjustScore; res: Done; reads: [] };
  "scores.archive": { kind: "mutate"; req: OneScore; res: Done; reads: [] };
  "scores.backtest": { kind: "query"; req: BacktestScore; res: ScoreBacktest; reads: ["scores"] };
  "scores.check": { kind: "query"; req: CheckScore; res: Array<ScoreTrouble>; reads: ["scores", "fields", "segments", "journeys"] };
  "scores.get": { kind: "query"; req: OneScore; res: ScoreRow; reads: ["scores"] };
  "scores.ledger": { kind: "query"; req: AskLedger; res: Array<ScoreLedgerRow>; reads: ["scores", "events"] };
  "scores.list": { kind: "query"; req: NoArgs; res: Array<ScoreRow>; reads: ["scores"] };
  "scores.of": { kind: "query"; req: OfContact; res: Array<ContactScore>; reads: ["scores", "contacts", "tags", "events", "segments", "clock"] };
  "scores.preview": { kind: "query"; req: PreviewScore; res: ScorePreview; reads: ["scores", "contacts", "tags", "events", "segments", "clock"] };
  "scores.publish": { kind: "mutate"; req: OneScore; res: ScoreRow; reads: [] };
  "scores.save": { kind: "mutate"; req: SaveScore; res: ScoreRow; reads: [] };
  "segments.check": { kind: "query"; req: TextOnly; res: SegmentCheck; reads: ["fields", "segments", "tags", "events", "templates"] };
  "segments.count": { kind: "query"; req: CountSegment; res: SegmentCount; reads: ["segments", "contacts", "tags", "events", "consents", "suppressions", "outbox", "clock"] };
  "segments.delete": { kind: "mutate"; req: OneSegment; res: Done; reads: [] };
  "segments.grammar": { kind: "query"; req: NoArgs; res: string; reads: [] };
  "segments.list": { kind: "query"; req: NoArgs; res: Array<SegmentRow>; reads: ["segments", "membership", "contacts"] };
  "segments.members": { kind: "query"; req: SegmentMembers; res: Page<ContactRow>; reads: ["segments", "contacts", "tags", "events", "consents", "suppressions", "outbox", "clock"] };
  "segments.near": { kind: "query"; req: TextOnly; res: Array<NearClause>; reads: ["segments", "contacts", "tags", "events", "consents", "suppressions", "outbox", "clock"] };
  "segments.overlap": { kind: "query"; req: CompareSegment; res: Array<SegmentOverlap>; reads: ["segments", "membership", "contacts", "tags", "events", "consents", "suppressions", "outbox", "clock"] };
  "segments.save": { kind: "mutate"; req: SaveSegment; res: Segment; reads: [] };
  "segments.users": { kind: "query"; req: OneSegment; res: SegmentUsers; reads: ["segments", "journeys", "campaigns"] };
  "segments.why": { kind: "query"; req: AskWhy; res: WhyAnswer; reads: ["segments", "contacts", "tags", "events", "consents", "suppressions", "outbox", "clock"] };
  "settings.get": { kind: "query"; req: NoArgs; res: Settings; reads: ["workspace"] };
  "settings.save": { kind: "mutate"; req: Settings; res: Settings; reads: [] };
  "suppressions.add": { kind: "mutate"; req: AddSuppression; res: Done; reads: [] };
  "suppressions.check": { kind: "query"; req: AskSuppressed; res: Suppressed; reads: ["suppressions"] };
  "suppressions.counts": { kind: "query"; req: NoArgs; res: Array<SuppressionCount>; reads: ["suppressions"] };
  "suppressions.lift": { kind: "mutate"; req: LiftSuppression; res: Done; reads: [] };
  "templates.add_starters": { kind: "mutate"; req: NoArgs; res: Array<Template>; reads: [] };
  "templates.delete": { kind: "mutate"; req: OneTemplate; res: Done; reads: [] };
  "templates.get": { kind: "query"; req: OneTemplate; res: Template; reads: ["templates"] };
  "templates.import_file": { kind: "mutate"; req: ImportTemplate; res: Template; reads: [] };
  "templates.list": { kind: "query"; req: NoArgs; res: Array<TemplateRow>; reads: ["templates", "journeys", "outbox"] };
  "templates.missing": { kind: "query"; req: AskMissing; res: MissingReport; reads: ["contacts", "workspace", "fields"] };
  "templates.render": { kind: "query"; req: RenderTemplate; res: RenderedTemplate; reads: ["contacts", "workspace", "fields"] };
  "templates.save": { kind: "mutate"; req: SaveTemplate; res: Template; reads: [] };
  "templates.starters": { kind: "query"; req: NoArgs; res: Array<Starter>; reads: [] };
  "topics.list": { kind: "query"; req: NoArgs; res: Array<Topic>; reads: ["relay", "workspace"] };
  "topics.save": { kind: "mutate"; req: SaveTopics; res: Array<Topic>; reads: [] };
  "vocabulary.list": { kind: "query"; req: NoArgs; res: Vocabulary; reads: ["events", "tags", "contacts", "journeys"] };
  "workspaces.close": { kind: "mutate"; req: NoArgs; res: Done; reads: [] };
  "workspaces.create": { kind: "mutate"; req: CreateWorkspace; res: WorkspaceInfo; reads: [] };
  "workspaces.current": { kind: "query"; req: NoArgs; res: WorkspaceInfo | null; reads: ["workspace"] };
  "workspaces.forget": { kind: "mutate"; req: ForgetWorkspace; res: Done; reads: [] };
  "workspaces.open": { kind: "mutate"; req: OpenWorkspace; res: WorkspaceInfo; reads: [] };
  "workspaces.recent": { kind: "query"; req: NoArgs; res: Array<RecentWorkspace>; reads: ["workspace"] };
  "world.act": { kind: "mutate"; req: WorldActArgs; res: WorldMailRow; reads: [] };
  "world.get": { kind: "query"; req: NoArgs; res: WorldView; reads: ["world"] };
  "world.mail": { kind: "query"; req: WorldMailArgs; res: WorldMail; reads: ["world"] };
  "world.mails": { kind: "query"; req: WorldMailsArgs; res: WorldMailPage; reads: ["world", "contacts"] };
  "world.set": { kind: "mutate"; req: WorldSettings; res: WorldView; reads: [] };
};

/** What each query reads: a commit that touches one of these makes its answer stale. */
export const READS: Record<string, readonly string[]> = {
  "absence.get": ["workspace", "outbox", "journeys", "campaigns"],
  "absence.limit": ["workspace"],
  "accounts.dkim_record": ["accounts"],
  "accounts.list": ["accounts", "outbox"],
  "campaigns.get": ["campaigns", "outbox", "enrolments", "accounts"],
  "campaigns.list": ["campaigns", "outbox"],
  "campaigns.people": ["campaigns", "membership", "contacts", "consents", "suppressions", "segments", "responses"],
  "campaigns.plan": ["events", "reports"],
  "campaigns.preview": ["campaigns", "membership", "contacts", "consents", "suppressions", "segments", "templates", "accounts", "outbox", "workspace", "responses"],
  "campaigns.recall_secs": ["workspace"],
  "cleansing.page": ["cleansing", "contacts", "suppressions"],
  "cleansing.quality": ["cleansing", "fields"],
  "cleansing.quality_contacts": ["cleansing", "contacts", "fields"],
  "cleansing.show": ["cleansing"],
  "clock.get": ["clock", "enrolments", "outbox", "journeys"],
  "companies.find": ["companies"],
  "companies.get": ["companies", "contacts", "fields", "scores", "tags", "events", "segments", "consents", "suppressions", "outbox", "clock"],
  "companies.list": ["companies", "contacts", "fields", "scores", "tags", "events", "segments", "consents", "suppressions", "outbox", "clock"],
  "companies.removed": ["companies"],
  "consents.of": ["consents"],
  "contacts.find": ["contacts"],
  "contacts.get": ["contacts", "companies", "fields", "tags", "consents", "suppressions", "enrolments", "membership", "responses"],
  "contacts.history": ["contacts", "companies", "fields", "imports", "journeys", "duplicates"],
  "contacts.page": ["contacts", "companies", "fields", "tags", "consents", "suppressions", "membership"],
  "contacts.timeline": ["contacts", "consents", "events", "outbox", "enrolments"],
  "diagnostics.get": [],
  "duplicates.merges": ["duplicates", "contacts"],
  "duplicates.page": ["duplicates", "contacts"],
  "duplicates.rules": ["fields", "workspace"],
  "duplicates.show": ["duplicates", "contacts", "fields", "tags", "consents", "suppressions", "events", "outbox", "enrolments"],
  "events.of": ["events"],
  "fields.list": ["fields"],
  "files.frame": [],
  "home.overview": ["contacts", "consents", "enrolments", "journeys", "outbox", "segments", "templates", "accounts", "events", "imports", "reports", "workspace", "clock"],
  "imports.folder_files": ["imports"],
  "imports.folders": ["imports"],
  "imports.get": ["imports"],
  "imports.list": ["imports"],
  "jobs.get": [],
  "journeys.catalogue": [],
  "journeys.check": ["journeys", "fields", "segments", "templates", "accounts"],
  "journeys.counts": ["journeys", "enrolments", "reports"],
  "journeys.entering": ["journeys", "membership"],
  "journeys.export": ["journeys"],
  "journeys.get": ["journeys", "fields", "segments", "templates", "accounts"],
  "journeys.list": ["journeys", "enrolments", "outbox", "reports"],
  "journeys.path": ["enrolments"],
  "journeys.people": ["enrolments"],
  "journeys.try": [],
  "listening.get": ["opt_out_sources", "accounts", "workspace"],
  "mailboxes.list": ["mailboxes", "opt_out_sources"],
  "mailboxes.presets": [],
  "outbox.get": ["outbox"],
  "outbox.page": ["outbox"],
  "outbox.summary": ["outbox", "workspace", "accounts"],
  "presets.senders": [],
  "providers.kinds": [],
  "providers.list": ["providers", "opt_out_sources", "accounts"],
  "relay.confirming": ["journeys", "templates"],
  "relay.get": ["relay", "opt_out_sources"],
  "relay.settings": ["relay", "workspace"],
  "reports.funnel": ["reports", "enrolments", "journeys"],
  "reports.growth": ["reports"],
  "reports.messages": ["reports"],
  "responses.of_message": ["responses"],
  "responses.page": ["responses"],
  "responses.undecided": ["responses"],
  "responses.undecided_of": ["responses"],
  "scores.backtest": ["scores"],
  "scores.check": ["scores", "fields", "segments", "journeys"],
  "scores.get": ["scores"],
  "scores.ledger": ["scores", "events"],
  "scores.list": ["scores"],
  "scores.of": ["scores", "contacts", "tags", "events", "segments", "clock"],
  "scores.preview": ["scores", "contacts", "tags", "events", "segments", "clock"],
  "segments.check": ["fields", "segments", "tags", "events", "templates"],
  "segments.count": ["segments", "contacts", "tags", "events", "consents", "suppressions", "outbox", "clock"],
  "segments.grammar": [],
  "segments.list": ["segments", "membership", "contacts"],
  "segments.members": ["segments", "contacts", "tags", "events", "consents", "suppressions", "outbox", "clock"],
  "segments.near": ["segments", "contacts", "tags", "events", "consents", "suppressions", "outbox", "clock"],
  "segments.overlap": ["segments", "membership", "contacts", "tags", "events", "consents", "suppressions", "outbox", "clock"],
  "segments.users": ["segments", "journeys", "campaigns"],
  "segments.why": ["segments", "contacts", "tags", "events", "consents", "suppressions", "outbox", "clock"],
  "settings.get": ["workspace"],
  "suppressions.check": ["suppressions"],
  "suppressions.counts": ["suppressions"],
  "templates.get": ["templates"],
  "templates.list": ["templates", "journeys", "outbox"],
  "templates.missing": ["contacts", "workspace", "fields"],
  "templates.render": ["contacts", "workspace", "fields"],
  "templates.starters": [],
  "topics.list": ["relay", "workspace"],
  "vocabulary.list": ["events", "tags", "contacts", "journeys"],
  "workspaces.current": ["workspace"],
  "workspaces.recent": ["workspace"],
  "world.get": ["world"],
  "world.mail": ["world"],
  "world.mails": ["world", "contacts"],
};
