import LocalSpool
import Testing

@Suite("Balance of a group")
struct GroupBalanceTests {
    @Test("at every moment a partition has at most one owner, and in the end everybody an even share")
    func property() {
        var random = SplitMix(state: 42)
        for _ in 0..<200 {
            let partitions = Int(random.next() % 20) + 1
            var balance = GroupBalance(partitions: partitions)
            var owned: [Int: Set<Int>] = [:]
            var pending: [(Int, [Int])] = []
            func apply(_ changes: [GroupBalance.Change]) {
                for change in changes {
                    switch change {
                    case .assign(let member, let given):
                        for other in owned.values { #expect(other.isDisjoint(with: given)) }
                        owned[member, default: []].formUnion(given)
                    case .revoke(let member, let wanted):
                        #expect(owned[member]?.isSuperset(of: wanted) == true)
                        pending.append((member, wanted))
                    }
                }
            }
            func release() {
                let (member, wanted) = pending.removeFirst()
                guard owned[member] != nil else { return }
                owned[member]?.subtract(wanted)
                apply(balance.release(wanted, by: member))
            }
            for member in 1...30 {
                switch random.next() % 3 {
                case 0 where !balance.members.isEmpty:
                    let leaving = balance.members[Int(random.next() % UInt64(balance.members.count))]
                    owned[leaving] = nil
                    apply(balance.leave(leaving))
                case 1 where !pending.isEmpty: release()
                default: apply(balance.join(member))
                }
            }
            while !pending.isEmpty { release() }
            guard !balance.members.isEmpty else { continue }
            let counts = balance.members.map { owned[$0]?.count ?? 0 }
            #expect(counts.reduce(0, +) == partitions)
            #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1, "\(counts)")
        }
    }
}
