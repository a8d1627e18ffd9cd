/// Places of a list, each drawn as often as its weight says.
package struct WeightedChoice: Sendable {
    /// Sums of the weights up to and with each place, of all weights together 1. Empty where there is one place.
    private let bounds: [Double]
    package let count: Int

    /// - Parameter weights: One or more, each 0 or more, not all 0.
    package init(_ weights: [Double]) {
        precondition(weights.reduce(0, +) > 0 && weights.allSatisfy { $0 >= 0 }, "weights say how often")
        count = weights.count
        guard weights.count > 1 else {
            bounds = []
            return
        }
        let total = weights.reduce(0, +)
        var sum = 0.0
        bounds = weights.map { weight in
            sum += weight
            return sum / total
        }
    }

    /// All as often as each other.
    package static func uniform(_ count: Int) -> WeightedChoice {
        WeightedChoice([Double](repeating: 1, count: count))
    }

    /// The first twice as often as the second, three times as often as the third (Zipf's law, exponent 1): about how
    /// the mailboxes of a list spread over domains.
    package static func zipf(_ count: Int) -> WeightedChoice {
        WeightedChoice((1...count).map { 1 / Double($0) })
    }

    package func draw(_ random: inout LoadRandom) -> Int {
        guard !bounds.isEmpty else { return 0 }
        let drawn = random.unit()
        var (low, high) = (0, bounds.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if drawn < bounds[middle] { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
