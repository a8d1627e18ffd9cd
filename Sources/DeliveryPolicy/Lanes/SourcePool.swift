/// Weighted choice among the sources of a pool, by smooth weighted round robin: deterministic, and without runs.
package struct SourcePool: Sendable {
    package struct Member: Equatable, Sendable {
        package let source: String
        /// 0 leaves the source out.
        package let weight: Int
        package init(source: String, weight: Int) { (self.source, self.weight) = (source, max(0, weight)) }
    }

    package let members: [Member]
    private var credits: [Int]

    package init(_ members: [Member]) {
        self.members = members
        credits = Array(repeating: 0, count: members.count)
    }

    /// The next source; those that cannot be used now neither earn nor spend.
    ///
    /// - Parameter isUsable: By index in `members`.
    /// - Returns: Index in `members`; `nil` when none is usable: the message waits, it never leaves from elsewhere.
    package mutating func next(where isUsable: (Int) -> Bool = { _ in true }) -> Int? {
        var total = 0
        var chosen: Int?
        for index in members.indices where members[index].weight > 0 && isUsable(index) {
            total += members[index].weight
            credits[index] += members[index].weight
            if chosen.map({ credits[index] > credits[$0] }) ?? true { chosen = index }
        }
        if let chosen { credits[chosen] -= total }
        return chosen
    }
}
