package import DeliveryPolicy

/// Both sides of the conservation equation of one partition: what its ledger says, and what is held.
package struct PartitionBooks: Sendable {
    package let partition: Int
    package let intakeMark: Int64
    package let totals: Ledger.Totals
    /// Recipients held, counted by themselves.
    package let queued: Int

    /// 0, unless mail was lost or counted twice.
    package var difference: Int64 { totals.queued - Int64(queued) }
}
