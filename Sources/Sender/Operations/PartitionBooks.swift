import DeliveryPolicy

/// Both sides of the conservation equation of one partition: what its ledger says, and what is held.
struct PartitionBooks: Sendable {
    let partition: Int
    let intakeMark: Int64
    let totals: Ledger.Totals
    /// Recipients held, counted by themselves.
    let queued: Int

    /// 0, unless mail was lost or counted twice.
    var difference: Int64 { totals.queued - Int64(queued) }
}
