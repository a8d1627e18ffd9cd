/// Where mail is kept between ingress and sender.
package struct SpoolConfiguration: Equatable, Sendable {
    package var local = SpoolDirectoryConfiguration()
    package init() {}
}

/// The embedded spool of a single node.
package struct SpoolDirectoryConfiguration: Equatable, Sendable {
    package var directory = "/var/lib/apus"
    /// How long the content of finished messages stays for replay.
    package var keepDelivered: Duration = .seconds(24 * 3600)
    package var keepEvents: Duration = .seconds(7 * 86_400)
    /// Fixed when the spool is made.
    package var partitions = 64
    package init() {}
}
