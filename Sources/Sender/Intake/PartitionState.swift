import DeliveryPolicy
import MailModel

/// What the sender keeps of one partition of `mail` it owns.
struct PartitionState {
    /// Number of this assignment; outcomes of an earlier one are dropped.
    let epoch: UInt64
    var ledger: Ledger
    /// Recipients queued at this moment, counted by what is held and not by the ledger's totals.
    var queuedRecipients = 0
    /// The group wants it back: nothing new is begun.
    var isRevoked = false
}
