//! The `content/` rules: what users would read against the prohibited classes.

mod cult_superstition;
mod custom_term;
mod ethnic_hatred;
mod financial_fraud;
mod gambling;
mod hidden_text;
mod illegal_trade;
mod illicit_service;
mod impersonation;
mod insult;
mod lexical;
mod medical_claim;
mod national_honor;
mod national_security;
mod obscenity;
mod rumor;
mod superlative_claim;
mod unconstitutional;
mod unmoderated_user_content;
mod violence_terror;
mod vulgar_clickbait;

pub use lexical::{Joined, prepare};

use super::Rule;

/// All of them.
pub const RULES: &[&dyn Rule] = &[
    &unconstitutional::Unconstitutional,
    &national_security::NationalSecurity,
    &national_honor::NationalHonor,
    &ethnic_hatred::EthnicHatred,
    &cult_superstition::CultSuperstition,
    &rumor::Rumor,
    &obscenity::Obscenity,
    &gambling::Gambling,
    &violence_terror::ViolenceTerror,
    &insult::Insult,
    &illegal_trade::IllegalTrade,
    &financial_fraud::FinancialFraud,
    &illicit_service::IllicitService,
    &superlative_claim::SuperlativeClaim,
    &medical_claim::MedicalClaim,
    &vulgar_clickbait::VulgarClickbait,
    &impersonation::Impersonation,
    &custom_term::CustomTerm,
    &hidden_text::HiddenText,
    &unmoderated_user_content::UnmoderatedUserContent,
];
