import DeliveryPolicy
import MailModel

/// What the sender keeps of one partition of `mail` it owns.
struct PartitionState {
    /// Number of this assignment; outcomes of an earlier one are dropped.
    let epoch: UInt64
    var ledger: Ledger
    /// Messages that wait.
    let resting: RestingStore
    /// Recipients queued at this moment, counted by what is held and not by the ledger's totals.
    var queuedRecipients = 0
    /// Records of the ledger that are not read back yet after a take-over: until then the books are incomplete.
    var toReload: Int
    /// The group wants it back: nothing new is begun.
    var isRevoked = false

    init(epoch: UInt64, ledger: Ledger, resting: RestingStore) {
        self.epoch = epoch
        self.ledger = ledger
        self.resting = resting
        toReload = ledger.unfinishedCount
    }
}
