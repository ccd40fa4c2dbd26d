//! The `conduct/` rules.

mod autoplay_media;
mod cheating_tool;
mod fake_reward;
mod fund_collection;
mod game_chance_purchase;
mod game_minor_protection;
mod game_missing_notice;
mod game_room_card;
mod hidden_identity;
mod incomplete_service;
mod induced_download;
mod induced_following;
mod induced_leaving;
mod induced_service_chat;
mod induced_sharing;
mod intrusive_ad;
mod ios_virtual_payment;
mod multi_level_distribution;
mod paid_forwarding;
mod payment_without_notice;
mod program_dependency;
mod records;
mod review_evasion;
mod support;
mod texts;
mod unprompted_action;
mod unprompted_jump;
mod versions;

pub use support::Controls;
pub use texts::{Shown, prepare};

use super::Rule;

/// All of them.
pub const RULES: &[&dyn Rule] = &[
    &autoplay_media::AutoplayMedia,
    &cheating_tool::CheatingTool,
    &fake_reward::FakeReward,
    &fund_collection::FundCollection,
    &game_chance_purchase::GameChancePurchase,
    &game_minor_protection::GameMinorProtection,
    &game_missing_notice::GameMissingNotice,
    &game_room_card::GameRoomCard,
    &hidden_identity::HiddenIdentity,
    &incomplete_service::IncompleteService,
    &induced_download::InducedDownload,
    &induced_following::InducedFollowing,
    &induced_leaving::InducedLeaving,
    &induced_service_chat::InducedServiceChat,
    &induced_sharing::InducedSharing,
    &intrusive_ad::IntrusiveAd,
    &ios_virtual_payment::IosVirtualPayment,
    &multi_level_distribution::MultiLevelDistribution,
    &paid_forwarding::PaidForwarding,
    &payment_without_notice::PaymentWithoutNotice,
    &program_dependency::ProgramDependency,
    &review_evasion::ReviewEvasion,
    &unprompted_action::UnpromptedAction,
    &unprompted_jump::UnpromptedJump,
];
