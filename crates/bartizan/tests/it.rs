//! Tests of the whole: architecture, command line, scenarios, and a gateway that blocks and lets in again.

mod it {
    mod architecture;
    mod audited;
    mod canary;
    mod cards;
    mod check;
    mod cli;
    mod drift;
    mod fairness;
    mod filter;
    mod followed;
    mod full;
    mod geo;
    mod kill;
    mod live;
    mod notify;
    mod operations;
    mod playbook;
    mod posture;
    mod scenarios;
    mod shards;
    mod step_up;
    mod yara;
}
