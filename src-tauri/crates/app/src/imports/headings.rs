//! Words other programs and other languages use for what a contact has.

/// Headings people and other programs use for the built-in fields, compared as [`super::mapping::normal`] writes
/// them.
#[rustfmt::skip]
pub(super) const SYNONYMS: &[(&str, &[&str])] = &[
    ("email", &[
        "email", "mail", "emailaddress", "mailaddress", "emailaddress1", "email1", "primaryemail",
        "useremail", "contactemail", "customeremail", "subscriberemail", "subscriber", "workemail",
        "emailadresse", "mailadresse", "adresseemail", "adressemail", "adresseelectronique", "courriel",
        "mel", "correo", "correoelectronico", "direcciondecorreo", "direcciondecorreoelectronico",
        "postaelettronica", "indirizzoemail", "enderecodeemail", "correioeletronico", "epost",
        "epostadress", "epostadresse", "eposta", "epostaadresi", "emailadres", "adresemail", "sahkoposti",
        "sahkopostiosoite", "почта", "электроннаяпочта", "адресэлектроннойпочты", "メール", "メールアドレス", "邮箱",
        "电子邮件", "電子郵件", "이메일",
    ]),
    ("first_name", &[
        "firstname", "fname", "forename", "givenname", "given", "vorname", "rufname", "prenom", "nombre",
        "nombredepila", "nome", "primeironome", "voornaam", "fornamn", "fornavn", "imie", "jmeno",
        "krestnijmeno", "etunimi", "имя", "名", "이름",
    ]),
    ("last_name", &[
        "lastname", "lname", "surname", "familyname", "nachname", "familienname", "zuname", "nom",
        "nomdefamille", "apellido", "apellidos", "cognome", "sobrenome", "apelido", "achternaam",
        "efternamn", "etternavn", "efternavn", "nazwisko", "prijmeni", "sukunimi", "soyad", "soyadi",
        "фамилия", "姓", "성",
    ]),
    ("phone", &[
        "phone", "phonenumber", "phone1", "telephone", "telephonenumber", "tel", "mobile", "mobilephone",
        "mobilenumber", "cell", "cellphone", "telefon", "telefonnummer", "telefonnr", "handy",
        "handynummer", "mobil", "mobilnummer", "mobiltelefon", "rufnummer", "numerodetelephone", "portable",
        "telefono", "movil", "cellulare", "telefone", "celular", "telefoon", "telefoonnummer", "puhelin",
        "puhelinnumero", "numertelefonu", "телефон", "電話", "电话",
    ]),
    ("company.name", &[
        "company", "companyname", "nameofcompany", "organisation", "organization", "organisationname",
        "organizationname", "employer", "account", "accountname", "associatedcompany", "firma", "firmenname",
        "unternehmen", "organisationsname", "arbeitgeber", "societe", "entreprise", "empresa", "azienda", "bedrijf",
        "bedrijfsnaam", "foretag", "virksomhed", "firmanavn", "yritys", "spolecnost", "компания", "организация", "会社",
        "会社名", "公司", "회사",
    ]),
    ("company.domain", &[
        "companydomain", "companydomainname", "companywebsite", "companyurl", "domainofthecompany", "firmendomain",
        "firmenwebsite", "webseitederfirma", "sitedelentreprise",
    ]),
    ("country", &[
        "country", "countrycode", "countryregion", "land", "landercode", "laendercode", "landeskennung",
        "pays", "pais", "paese", "nazione", "kraj", "zeme", "maa", "страна", "国", "国家",
    ]),
    ("city", &[
        "city", "town", "citytown", "ort", "stadt", "wohnort", "ville", "commune", "ciudad", "localidad",
        "citta", "comune", "cidade", "woonplaats", "plaats", "stad", "miasto", "mesto", "kaupunki", "sehir",
        "город", "市", "城市",
    ]),
    ("language", &[
        "language", "lang", "locale", "languagecode", "preferredlanguage", "sprache", "bevorzugtesprache",
        "langue", "idioma", "lingua", "taal", "sprak", "sprog", "jezyk", "jazyk", "kieli", "dil", "язык",
        "言語", "语言",
    ]),
    ("time_zone", &[
        "timezone", "tz", "zeitzone", "fuseauhoraire", "zonahoraria", "fusoorario", "fusohorario",
        "tijdzone", "tidszon", "tidssone", "strefaczasowa", "casovepasmo", "часовойпояс",
    ]),
];

/// Headings of columns with tags.
#[rustfmt::skip]
pub(super) const TAGS: &[&str] = &[
    "tags", "tag", "labels", "label", "groups", "gruppen", "etiketten", "schlagwort", "schlagworte",
    "schlagworter", "schlagwoerter", "stichworte", "etiquettes", "etiquetas", "etichette", "tagi", "метки",
];
