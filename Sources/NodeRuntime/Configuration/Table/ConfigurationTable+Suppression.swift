extension ConfigurationTable {
    static let suppression = ConfigurationSection<SuppressionConfiguration> {
        Field(
            "hard_bounces", \.hardBounces, .boolean,
            "Add addresses that a host refused for good as such, in the transaction of that outcome; never for a "
                + "failure of policy, session or host.")
        Field("classes", \.classes, .oneOrMore(.choice), "Bounce classes that add an address.")
        Field(
            "expiry", \.expiry, .duration(.seconds(60)...(.days(3650))),
            "How long an address added by a hard bounce is suppressed.")
        Field(
            "scope", \.scope, .choice, "Whose mail a hard bounce stops: that of the message's tenant, or of all.")
        Field(
            "dsn", \.dsn, .boolean, "Tell the originator of a suppressed recipient by a DSN, where one is due.")
    }
}
