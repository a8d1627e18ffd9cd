/// What adds to the suppression list by itself, and whom a suppressed recipient is told.
package struct SuppressionConfiguration: Equatable, Sendable {
    /// The bounce classes that condemn an address; see `Disposition.condemnsAddress`.
    package enum Class: String, Sendable, CaseIterable {
        case badMailbox = "bad-mailbox"
        case inactiveMailbox = "inactive-mailbox"
    }

    package enum Scope: String, Sendable, CaseIterable { case tenant, all }

    package var hardBounces = false
    package var classes: [Class] = [.badMailbox, .inactiveMailbox]
    package var expiry: Duration = .seconds(180 * 86_400)
    package var scope = Scope.tenant
    package var dsn = false
    package init() {}
}
