extension RetryConfiguration {
    subscript(retryClass: RetryClass) -> Override {
        get { classes[retryClass] ?? Override() }
        set { classes[retryClass] = newValue }
    }
}

extension ConfigurationTable {
    static let retry = ConfigurationSection<RetryConfiguration>(
        fields: [Field("default", \.default, retryRule, "Classes without an entry, and what an entry leaves out.")]
            + RetryClass.allCases.map { Field($0.rawValue, \.[$0], retryOverride, "Class \($0.rawValue).") })

    private static let retryDelay = ValueKind<Duration>.duration(.seconds(1)...(.days(7)))
    private static let retryFactor = ValueKind<Double>.factor(1...100)

    private static let inherited = "as retry.default"

    private static let retryRule = ConfigurationSection<RetryRule> {
        Field("first", \.first, retryDelay, "Delay after the first attempt.")
        Field("factor", \.factor, retryFactor, "Growth of the delay from attempt to attempt.")
        Field("max", \.max, retryDelay, "Longest delay.")
        Field("jitter", \.jitter, .percent(upTo: 90), "Part of the delay by which it varies up and down.")
    }

    private static let retryOverride = ConfigurationSection<RetryConfiguration.Override> {
        Field("first", \.first, retryDelay.optional, otherwise: inherited, "Delay after the first attempt.")
        Field("factor", \.factor, retryFactor.optional, otherwise: inherited, "Growth of the delay.")
        Field("max", \.max, retryDelay.optional, otherwise: inherited, "Longest delay.")
        Field(
            "jitter", \.jitter, ValueKind.percent(upTo: 90).optional, otherwise: inherited,
            "Part of the delay by which it varies.")
    }
}
