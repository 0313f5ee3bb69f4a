//! Profile, tier and level (H.265 §7.3.3).

use crate::{BitReader, Error};

/// `profile_tier_level()`, the general part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ProfileTierLevel {
    /// `general_profile_space`: 0 in all that is defined.
    pub profile_space: u8,
    /// `general_tier_flag`: the High tier.
    pub high_tier: bool,
    /// `general_profile_idc`: 1 Main, 2 Main 10, 3 Main Still Picture, 4 format range extensions, 9 screen content
    /// coding.
    pub profile_idc: u8,
    /// `general_profile_compatibility_flag`, that of profile 0 highest.
    pub compatibility: u32,
    /// The 48 bits from `general_progressive_source_flag` on, the first one highest.
    pub constraints: u64,
    /// `general_level_idc`: thirty times the level.
    pub level_idc: u8,
}

impl ProfileTierLevel {
    /// Reads `profile_tier_level( 1, sub_layers − 1 )`, `sub_layers` from 1 to 8.
    pub(super) fn read(bits: &mut BitReader<'_>, sub_layers: u8) -> Result<Self, Error> {
        let profile_space = bits.byte(2, "general_profile_space")?;
        let high_tier = bits.flag("general_tier_flag")?;
        let profile_idc = bits.byte(5, "general_profile_idc")?;
        let compatibility = bits.bits(32, "general_profile_compatibility_flag")?;
        let constraints = u64::from(bits.bits(32, "general_constraint_flags")?) << 16
            | u64::from(bits.bits(16, "general_constraint_flags")?);
        let level_idc = bits.byte(8, "general_level_idc")?;
        let lower = sub_layers.saturating_sub(1);
        let mut present = [(false, false); 8];
        for slot in present.iter_mut().take(lower.into()) {
            *slot = (bits.flag("sub_layer_profile_present_flag")?, bits.flag("sub_layer_level_present_flag")?);
        }
        if lower > 0 {
            bits.bits(2 * (8 - u32::from(lower.min(8))), "reserved_zero_2bits")?;
        }
        for (profile, level) in present {
            if profile {
                for count in [32, 32, 24] {
                    bits.bits(count, "sub_layer_profile")?;
                }
            }
            if level {
                bits.bits(8, "sub_layer_level_idc")?;
            }
        }
        Ok(ProfileTierLevel { profile_space, high_tier, profile_idc, compatibility, constraints, level_idc })
    }
}
