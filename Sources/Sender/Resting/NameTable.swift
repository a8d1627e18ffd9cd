/// Values by small numbers, each kept while something uses it. 0 is no value.
struct NameTable<Value: Hashable> {
    private var values: [Value?] = [nil]
    private var uses: [UInt32] = [0]
    private var free: [UInt32] = []
    private var numbers: [Value: UInt32] = [:]

    /// Values in use.
    var count: Int { numbers.count }

    subscript(number: UInt32) -> Value? { values[Int(number)] }

    /// The number of a value that is in use; `nil` where nothing uses it.
    func number(of value: Value) -> UInt32? { numbers[value] }

    /// What `body` says of each value, by number; false of numbers without one.
    func map(_ body: (Value) -> Bool) -> [Bool] { values.map { $0.map(body) ?? false } }

    /// One more use of a value.
    mutating func use(_ value: Value) -> UInt32 {
        if let number = numbers[value] {
            uses[Int(number)] += 1
            return number
        }
        let number: UInt32
        if let last = free.popLast() {
            number = last
            values[Int(number)] = value
            uses[Int(number)] = 1
        } else {
            number = UInt32(values.count)
            values.append(value)
            uses.append(1)
        }
        numbers[value] = number
        return number
    }

    mutating func use(_ value: Value?) -> UInt32 { value.map { use($0) } ?? 0 }

    /// One use less; the last one frees the number.
    ///
    /// - Returns: Whether it was the last.
    @discardableResult mutating func drop(_ number: UInt32) -> Bool {
        guard number != 0 else { return false }
        uses[Int(number)] -= 1
        guard uses[Int(number)] == 0, let value = values[Int(number)] else { return false }
        numbers[value] = nil
        values[Int(number)] = nil
        free.append(number)
        return true
    }
}
