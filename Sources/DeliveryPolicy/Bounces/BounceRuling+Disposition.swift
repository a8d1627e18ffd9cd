import MailModel

extension BounceRuling {
    /// Whether a rule may say this of a failure.
    ///
    /// What was said before a recipient was named, to the connection, or by a policy (5.7.x and texts known for it) is
    /// not about an address, whatever a rule says: an address must never be condemned for the sake of a source.
    func isAllowed(for failure: Failure, _ disposition: Disposition) -> Bool {
        guard bounceClass.isAboutAddress || severity == .hard else { return true }
        guard let reply = failure.reply, disposition.scope == .recipient || disposition.scope == .message else {
            return false
        }
        return !failure.stage.isBeforeRecipients && !ReplyClassifier.isBlock(reply)
    }
}

extension Disposition {
    /// Takes class and severity from a rule. The step stays, and a temporary failure is never hard.
    mutating func apply(_ ruling: BounceRuling) {
        bounceClass = ruling.bounceClass
        severity = (ruling.severity ?? ruling.bounceClass.severity).limited(to: step)
        rule = ruling.rule
    }
}

extension Severity {
    /// An address that may still take mail later is not lost.
    func limited(to step: Disposition.Step) -> Severity { self == .hard && step != .fail ? .soft : self }
}

extension BounceClass {
    /// The address itself is bad, or its domain.
    package var isAboutAddress: Bool { severity == .hard }
}
