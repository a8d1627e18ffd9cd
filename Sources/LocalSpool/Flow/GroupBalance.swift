/// Who of a group owns which partition. Pure: changes come in, what to tell whom goes out.
///
/// Every member is to have its even share. What a member has too much is asked back, and given on only when it lets go.
package struct GroupBalance {
    package typealias Member = Int

    package enum Change: Equatable {
        case assign(Member, [Int])
        case revoke(Member, [Int])
    }

    /// In the order they came.
    package private(set) var members: [Member] = []
    private var owners: [Member?]
    private var isRevoking: [Bool]

    package init(partitions: Int) {
        owners = Array(repeating: nil, count: partitions)
        isRevoking = Array(repeating: false, count: partitions)
    }

    func owns(_ member: Member, _ partition: Int) -> Bool {
        owners.indices.contains(partition) && owners[partition] == member
    }

    package mutating func join(_ member: Member) -> [Change] {
        members.append(member)
        return balance()
    }

    package mutating func leave(_ member: Member) -> [Change] {
        members.removeAll { $0 == member }
        free { $0 == member }
        return balance()
    }

    package mutating func release(_ partitions: [Int], by member: Member) -> [Change] {
        let released = Set(partitions)
        for index in owners.indices where owners[index] == member && released.contains(index) {
            (owners[index], isRevoking[index]) = (nil, false)
        }
        return balance()
    }

    private mutating func free(_ isFreed: (Member) -> Bool) {
        for index in owners.indices where owners[index].map(isFreed) ?? false {
            (owners[index], isRevoking[index]) = (nil, false)
        }
    }

    private mutating func balance() -> [Change] {
        guard !members.isEmpty else { return [] }
        var changes: [Change] = []
        for (place, member) in members.enumerated() {
            let share = owners.count / members.count + (place < owners.count % members.count ? 1 : 0)
            let kept = owners.indices.filter { owners[$0] == member && !isRevoking[$0] }
            if kept.count > share {
                let surplus = Array(kept[share...])
                for index in surplus { isRevoking[index] = true }
                changes.append(.revoke(member, surplus))
            } else if kept.count < share {
                let given = Array(owners.indices.filter { owners[$0] == nil }.prefix(share - kept.count))
                for index in given { owners[index] = member }
                if !given.isEmpty { changes.append(.assign(member, given)) }
            }
        }
        return changes
    }
}
