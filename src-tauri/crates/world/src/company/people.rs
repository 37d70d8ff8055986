//! Names, places and words of the sample: small lists, put together by hand. Any likeness is chance.

/// A name as it is written and as it stands in an address.
pub(super) type Name = (&'static str, &'static str);

/// People of one region.
pub(super) struct Region {
    /// ISO 3166-1 alpha-2.
    pub country: &'static str,
    /// How many of a thousand contacts.
    pub weight: u32,
    /// BCP 47.
    pub language: &'static str,
    /// City and its IANA zone.
    pub cities: &'static [(&'static str, &'static str)],
    pub first: &'static [Name],
    pub last: &'static [Name],
    /// Beginning of telephone numbers that are kept free for fiction, where the country has any, and how many digits
    /// follow.
    pub phone: Option<(&'static str, u32)>,
}

const GERMAN_FIRST: &[Name] = &[
    ("Anna", "anna"),
    ("Jörg", "joerg"),
    ("Käthe", "kaethe"),
    ("Lukas", "lukas"),
    ("Mareike", "mareike"),
    ("Björn", "bjoern"),
    ("Sophie", "sophie"),
    ("Ümit", "uemit"),
    ("Leon", "leon"),
    ("Greta", "greta"),
    ("Paul", "paul"),
    ("Hannah", "hannah"),
    ("Emil", "emil"),
    ("Zoë", "zoe"),
];
const GERMAN_LAST: &[Name] = &[
    ("Müller", "mueller"),
    ("Schröder", "schroeder"),
    ("Weiß", "weiss"),
    ("Fischer", "fischer"),
    ("Jäger", "jaeger"),
    ("Krüger", "krueger"),
    ("Vogel", "vogel"),
    ("Groß", "gross"),
    ("Neumann", "neumann"),
    ("Lange", "lange"),
    ("Böhm", "boehm"),
    ("Winter", "winter"),
    ("Sommer", "sommer"),
    ("Yılmaz", "yilmaz"),
];
const FRENCH_FIRST: &[Name] = &[
    ("Chloé", "chloe"),
    ("Théo", "theo"),
    ("Léa", "lea"),
    ("François", "francois"),
    ("Inès", "ines"),
    ("Hugo", "hugo"),
    ("Zoé", "zoe"),
    ("Rémi", "remi"),
    ("Anaïs", "anais"),
    ("Jules", "jules"),
];
const FRENCH_LAST: &[Name] = &[
    ("Lefèvre", "lefevre"),
    ("Moreau", "moreau"),
    ("Garnier", "garnier"),
    ("Dubois", "dubois"),
    ("Besançon", "besancon"),
    ("Mercier", "mercier"),
    ("Noël", "noel"),
    ("Lacroix", "lacroix"),
    ("Perrot", "perrot"),
    ("Benoît", "benoit"),
];
const ENGLISH_FIRST: &[Name] = &[
    ("Ada", "ada"),
    ("Oliver", "oliver"),
    ("Grace", "grace"),
    ("Siobhán", "siobhan"),
    ("Harry", "harry"),
    ("Amelia", "amelia"),
    ("Jamal", "jamal"),
    ("Priya", "priya"),
    ("Noah", "noah"),
    ("Maya", "maya"),
    ("Ethan", "ethan"),
    ("Chloe", "chloe"),
    ("Diego", "diego"),
    ("Ruth", "ruth"),
];
const ENGLISH_LAST: &[Name] = &[
    ("Baker", "baker"),
    ("O’Brien", "obrien"),
    ("Smith", "smith"),
    ("Taylor", "taylor"),
    ("Nguyen", "nguyen"),
    ("Carter", "carter"),
    ("Hughes", "hughes"),
    ("Johnson", "johnson"),
    ("McKay", "mckay"),
    ("Walker", "walker"),
    ("Ortiz", "ortiz"),
    ("Green", "green"),
    ("Hall", "hall"),
    ("Young-Reyes", "young-reyes"),
];
const SPANISH_FIRST: &[Name] = &[
    ("Sofía", "sofia"),
    ("Íñigo", "inigo"),
    ("Lucía", "lucia"),
    ("Mateo", "mateo"),
    ("Begoña", "begona"),
    ("José", "jose"),
    ("Carmen", "carmen"),
    ("Andrés", "andres"),
];
const SPANISH_LAST: &[Name] = &[
    ("Muñoz", "munoz"),
    ("García", "garcia"),
    ("Núñez", "nunez"),
    ("Ibáñez", "ibanez"),
    ("Romero", "romero"),
    ("Peña", "pena"),
    ("Vidal", "vidal"),
    ("López Ruiz", "lopez.ruiz"),
];
const ITALIAN_FIRST: &[Name] = &[
    ("Giulia", "giulia"),
    ("Niccolò", "niccolo"),
    ("Chiara", "chiara"),
    ("Matteo", "matteo"),
    ("Elena", "elena"),
    ("Luca", "luca"),
];
const ITALIAN_LAST: &[Name] = &[
    ("Rossi", "rossi"),
    ("D’Angelo", "dangelo"),
    ("Ricci", "ricci"),
    ("Conti", "conti"),
    ("Cattò", "catto"),
    ("Galli", "galli"),
];
const NORTHERN_FIRST: &[Name] = &[
    ("Åsa", "asa"),
    ("Søren", "soren"),
    ("Ingrid", "ingrid"),
    ("Väinö", "vaino"),
    ("Saga", "saga"),
    ("Lars", "lars"),
    ("Daan", "daan"),
    ("Fenna", "fenna"),
];
const NORTHERN_LAST: &[Name] = &[
    ("Ångström", "angstrom"),
    ("Sørensen", "sorensen"),
    ("Lindqvist", "lindqvist"),
    ("Mäkinen", "makinen"),
    ("de Vries", "de.vries"),
    ("van Dijk", "van.dijk"),
    ("Berg", "berg"),
    ("Holm", "holm"),
];
const EASTERN_FIRST: &[Name] = &[
    ("Łukasz", "lukasz"),
    ("Zofia", "zofia"),
    ("Jiří", "jiri"),
    ("Božena", "bozena"),
    ("Wojciech", "wojciech"),
    ("Agnieszka", "agnieszka"),
];
const EASTERN_LAST: &[Name] = &[
    ("Nowak", "nowak"),
    ("Wójcik", "wojcik"),
    ("Dvořák", "dvorak"),
    ("Świątek", "swiatek"),
    ("Černý", "cerny"),
    ("Zając", "zajac"),
];

const GERMAN_PHONE: Option<(&str, u32)> = Some(("+493023125", 3));
const BRITISH_PHONE: Option<(&str, u32)> = Some(("+447700900", 3));
const AMERICAN_PHONE: Option<(&str, u32)> = Some(("+1212555010", 1));
const FRENCH_PHONE: Option<(&str, u32)> = Some(("+33199003", 4));

macro_rules! region {
    ($country:literal, $weight:literal, $language:literal, $first:expr, $last:expr, $phone:expr, $cities:expr) => {
        Region {
            country: $country,
            weight: $weight,
            language: $language,
            cities: $cities,
            first: $first,
            last: $last,
            phone: $phone,
        }
    };
}

/// Where the customers of a coffee shop from Berlin with a shop on the web live.
pub(super) const REGIONS: &[Region] = &[
    region!(
        "DE",
        380,
        "de",
        GERMAN_FIRST,
        GERMAN_LAST,
        GERMAN_PHONE,
        &[
            ("Berlin", "Europe/Berlin"),
            ("Berlin", "Europe/Berlin"),
            ("Köln", "Europe/Berlin"),
            ("München", "Europe/Berlin"),
            ("Görlitz", "Europe/Berlin"),
        ]
    ),
    region!(
        "AT",
        60,
        "de",
        GERMAN_FIRST,
        GERMAN_LAST,
        None,
        &[("Wien", "Europe/Vienna"), ("Graz", "Europe/Vienna")]
    ),
    region!(
        "CH",
        50,
        "de",
        GERMAN_FIRST,
        GERMAN_LAST,
        None,
        &[("Zürich", "Europe/Zurich")]
    ),
    region!(
        "FR",
        90,
        "fr",
        FRENCH_FIRST,
        FRENCH_LAST,
        FRENCH_PHONE,
        &[
            ("Paris", "Europe/Paris"),
            ("Besançon", "Europe/Paris"),
            ("Saint-Denis", "Indian/Reunion"),
        ]
    ),
    region!(
        "GB",
        80,
        "en",
        ENGLISH_FIRST,
        ENGLISH_LAST,
        BRITISH_PHONE,
        &[("London", "Europe/London"), ("Leeds", "Europe/London"),]
    ),
    region!(
        "US",
        90,
        "en",
        ENGLISH_FIRST,
        ENGLISH_LAST,
        AMERICAN_PHONE,
        &[
            ("New York", "America/New_York"),
            ("Chicago", "America/Chicago"),
            ("Denver", "America/Denver"),
            ("Seattle", "America/Los_Angeles"),
            ("Honolulu", "Pacific/Honolulu"),
        ]
    ),
    region!(
        "IE",
        15,
        "en",
        ENGLISH_FIRST,
        ENGLISH_LAST,
        None,
        &[("Galway", "Europe/Dublin")]
    ),
    region!(
        "CA",
        20,
        "en",
        ENGLISH_FIRST,
        ENGLISH_LAST,
        None,
        &[("Toronto", "America/Toronto"), ("St. John’s", "America/St_Johns"),]
    ),
    region!(
        "AU",
        20,
        "en",
        ENGLISH_FIRST,
        ENGLISH_LAST,
        None,
        &[("Sydney", "Australia/Sydney"), ("Adelaide", "Australia/Adelaide"),]
    ),
    region!(
        "ES",
        40,
        "es",
        SPANISH_FIRST,
        SPANISH_LAST,
        None,
        &[("Madrid", "Europe/Madrid"), ("Las Palmas", "Atlantic/Canary"),]
    ),
    region!(
        "MX",
        10,
        "es",
        SPANISH_FIRST,
        SPANISH_LAST,
        None,
        &[("Ciudad de México", "America/Mexico_City")]
    ),
    region!(
        "IT",
        35,
        "it",
        ITALIAN_FIRST,
        ITALIAN_LAST,
        None,
        &[("Milano", "Europe/Rome"), ("Bari", "Europe/Rome")]
    ),
    region!(
        "NL",
        25,
        "nl",
        NORTHERN_FIRST,
        NORTHERN_LAST,
        None,
        &[("Utrecht", "Europe/Amsterdam")]
    ),
    region!(
        "SE",
        15,
        "sv",
        NORTHERN_FIRST,
        NORTHERN_LAST,
        None,
        &[("Malmö", "Europe/Stockholm")]
    ),
    region!(
        "FI",
        8,
        "fi",
        NORTHERN_FIRST,
        NORTHERN_LAST,
        None,
        &[("Jyväskylä", "Europe/Helsinki")]
    ),
    region!(
        "PL",
        20,
        "pl",
        EASTERN_FIRST,
        EASTERN_LAST,
        None,
        &[("Łódź", "Europe/Warsaw")]
    ),
    region!(
        "CZ",
        10,
        "cs",
        EASTERN_FIRST,
        EASTERN_LAST,
        None,
        &[("Brno", "Europe/Prague")]
    ),
    region!(
        "JP",
        8,
        "ja",
        &[
            ("美咲", "misaki"),
            ("蓮", "ren"),
            ("さくら", "sakura"),
            ("健太", "kenta")
        ],
        &[
            ("佐藤", "sato"),
            ("鈴木", "suzuki"),
            ("高橋", "takahashi"),
            ("渡辺", "watanabe")
        ],
        None,
        &[("東京", "Asia/Tokyo"), ("大阪", "Asia/Tokyo")]
    ),
    region!(
        "KR",
        4,
        "ko",
        &[("서연", "seoyeon"), ("민준", "minjun"), ("하은", "haeun")],
        &[("김", "kim"), ("박", "park"), ("이", "lee")],
        None,
        &[("서울", "Asia/Seoul")]
    ),
    region!(
        "TW",
        4,
        "zh-TW",
        &[("怡君", "yijun"), ("志明", "zhiming"), ("雅婷", "yating")],
        &[("陳", "chen"), ("林", "lin"), ("黃", "huang")],
        None,
        &[("臺北", "Asia/Taipei")]
    ),
    region!(
        "IL",
        5,
        "he",
        &[("נועה", "noa"), ("איתי", "itai"), ("תמר", "tamar")],
        &[("כהן", "cohen"), ("לוי", "levi"), ("מזרחי", "mizrahi")],
        None,
        &[("תל אביב", "Asia/Jerusalem")]
    ),
    region!(
        "EG",
        5,
        "ar",
        &[("ليلى", "layla"), ("عمر", "omar"), ("نور", "nour")],
        &[("حسن", "hassan"), ("منصور", "mansour"), ("سالم", "salem")],
        None,
        &[("القاهرة", "Africa/Cairo")]
    ),
    region!(
        "IN",
        3,
        "en",
        &[("Aarav", "aarav"), ("दिया", "diya"), ("Ishaan", "ishaan")],
        &[("Sharma", "sharma"), ("पटेल", "patel"), ("Iyer", "iyer")],
        None,
        &[("Pune", "Asia/Kolkata")]
    ),
    region!(
        "NP",
        1,
        "ne",
        &[("सीता", "sita"), ("Bishal", "bishal")],
        &[("Gurung", "gurung"), ("श्रेष्ठ", "shrestha")],
        None,
        &[("Pokhara", "Asia/Kathmandu")]
    ),
    region!(
        "GR",
        2,
        "el",
        &[("Ελένη", "eleni"), ("Νίκος", "nikos")],
        &[("Παππάς", "pappas"), ("Δήμου", "dimou")],
        None,
        &[("Χανιά", "Europe/Athens")]
    ),
];

/// Hosts of the addresses: names that are reserved and reach nobody (RFC 2606, RFC 6761).
pub(super) const DOMAINS: &[&str] = &[
    "example.com",
    "example.com",
    "example.com",
    "example.org",
    "example.net",
    "post.example",
    "kaffee.example",
    "mail.nord.example",
];

pub(super) const ROASTS: &[&str] = &["Light", "Medium", "Dark", "Espresso", "Decaf"];

pub(super) const INTERESTS: &[&str] = &[
    "Filter",
    "Espresso",
    "Latte art",
    "Brewing classes",
    "Fair trade",
    "Equipment",
];

/// Product, price in cents, and the roast whose friends like it most.
pub(super) const PRODUCTS: &[(&str, u32, usize)] = &[
    ("Morning Light 250 g", 990, 0),
    ("Kiosk Blend 500 g", 1450, 1),
    ("Night Shift 500 g", 1550, 2),
    ("Bar Espresso 1 kg", 2690, 3),
    ("Soft Landing Decaf 250 g", 1090, 4),
    ("Hand grinder", 6900, 0),
    ("Filter papers", 450, 1),
    ("Two cups", 2200, 3),
];

/// What the form said, by language; English where there is none.
pub(super) fn double_opt_in_wording(language: &str) -> &'static str {
    match language {
        "de" => {
            "Ja, ich möchte Neuigkeiten und Angebote der Kaffeebar per E-Mail erhalten. Abmelden kann ich mich jederzeit."
        }
        "fr" => {
            "Oui, je souhaite recevoir par e-mail les nouvelles et les offres du café. Je peux me désinscrire à tout moment."
        }
        "es" => {
            "Sí, quiero recibir por correo las novedades y ofertas de la cafetería. Puedo darme de baja cuando quiera."
        }
        "it" => {
            "Sì, desidero ricevere via e-mail novità e offerte della caffetteria. Posso disiscrivermi in ogni momento."
        }
        _ => "Yes, please e-mail me news and offers of the coffee bar. I can unsubscribe at any time.",
    }
}

/// What the checkout said to customers who did not object (soft opt-in, Directive 2002/58/EC Art. 13(2)).
pub(super) const SOFT_OPT_IN_WORDING: &str = "We will e-mail you offers of similar products. Untick this box, or unsubscribe at any time, if you do not want that.";

pub(super) const TRACKING_WORDING: &str =
    "Yes, you may see whether I open your mails and which links I follow, to send me what I like.";
