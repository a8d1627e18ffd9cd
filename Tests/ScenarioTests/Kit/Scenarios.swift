import Testing

/// Parent of all scenarios: they run one after the other, as each needs the processor.
@Suite(.serialized) enum Scenarios {}
