//! Flags of the commands that can use the packet filter.

use std::net::IpAddr;

use clap::Args;
use respond::NftablesConfig;

#[derive(Args)]
pub(super) struct Filter {
    /// Block at the packet filter as well: sets with timeouts in a table of our own. Needs nft and the right to use it
    #[arg(long)]
    nftables: bool,
    /// A private address that the packet filter may block all the same, repeatable
    #[arg(long, value_name = "ADDR", requires = "nftables")]
    block_private: Vec<IpAddr>,
}

impl Filter {
    pub(super) fn config(&self) -> Option<NftablesConfig> {
        self.nftables.then(|| NftablesConfig { named: self.block_private.iter().copied().collect(), ..NftablesConfig::default() })
    }
}
