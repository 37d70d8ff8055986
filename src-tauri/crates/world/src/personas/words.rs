//! What people write back, in their language.

use super::settings::{Language, Persona};
use crate::dice::Dice;

/// An answer to a mail by somebody of this persona.
pub(super) fn reply(dice: &mut Dice, persona: Persona, language: Language) -> String {
    let friendly: [&str; 4] = match language {
        Language::English => [
            "Thanks for this! Do you also deliver to an office address?",
            "Love it. Is there anything new in store next month?",
            "Quick question: can I change my last order until tomorrow?",
            "Thank you, I passed this on to a friend.",
        ],
        Language::German => [
            "Danke dafür! Liefert ihr auch an eine Büroadresse?",
            "Sehr schön. Kommt nächsten Monat etwas Neues?",
            "Kurze Frage: Kann ich meine letzte Bestellung bis morgen noch ändern?",
            "Vielen Dank, das habe ich gleich weitergegeben.",
        ],
        Language::French => [
            "Merci ! Livrez-vous aussi à une adresse de bureau ?",
            "Très beau. Y aura-t-il du nouveau le mois prochain ?",
            "Petite question : puis-je encore modifier ma dernière commande d’ici demain ?",
            "Merci, je l’ai transmis à une amie.",
        ],
    };
    let cross: [&str; 2] = match language {
        Language::English => [
            "You write far too often. What is this supposed to be?",
            "I do not remember ordering this. Who gave you my address?",
        ],
        Language::German => [
            "Ihr schreibt viel zu oft. Was soll das?",
            "Ich erinnere mich nicht, das bestellt zu haben. Woher habt ihr meine Adresse?",
        ],
        Language::French => [
            "Vous écrivez beaucoup trop souvent. À quoi bon ?",
            "Je ne me souviens pas d’avoir demandé cela. D’où tenez-vous mon adresse ?",
        ],
    };
    match persona {
        Persona::Annoyed => *dice.pick(&cross),
        _ => *dice.pick(&friendly),
    }
    .to_owned()
}

/// An opt-out in somebody's own words, where a mail offers no other way.
pub(super) fn leave_me_alone(language: Language) -> String {
    match language {
        Language::English => "Please take me off this list.",
        Language::German => "Bitte nehmt mich von dieser Liste.",
        Language::French => "Merci de me retirer de cette liste.",
    }
    .to_owned()
}
