internal import MailModel

extension WireSuppression {
    init(_ suppression: Suppression) {
        target = suppression.key.target.description
        if let tenant = suppression.key.tenant { self.tenant = tenant }
        source = suppression.source.rawValue
        created = suppression.created.milliseconds
        if let expiry = suppression.expiry { self.expiry = expiry.milliseconds }
        if let reason = suppression.reason { self.reason = reason }
        if let actor = suppression.actor { self.actor = actor }
        if let bounceClass = suppression.bounceClass { self.bounceClass = bounceClass }
        if let reply = suppression.reply { self.reply = reply }
        if let queueID = suppression.queueID { self.queueID = queueID.description }
    }

    /// What it stops must be read exactly; how it came about may be lost.
    func suppression() throws(SpoolError) -> Suppression {
        guard let target = SuppressionTarget(target), let source = Suppression.Source(rawValue: source) else {
            throw SpoolError(.corrupt, "a suppression of \(self.target) from \(self.source), which are not known")
        }
        var suppression = Suppression(
            SuppressionKey(tenant: hasTenant && !tenant.isEmpty ? tenant : nil, target), source,
            created: Timestamp(milliseconds: created))
        if hasExpiry { suppression.expiry = Timestamp(milliseconds: expiry) }
        if hasReason { suppression.reason = reason }
        if hasActor { suppression.actor = actor }
        if hasBounceClass { suppression.bounceClass = bounceClass }
        if hasReply { suppression.reply = reply }
        if hasQueueID { suppression.queueID = QueueID(queueID) }
        return suppression
    }
}
