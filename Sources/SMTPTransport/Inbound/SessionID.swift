internal import Synchronization

/// Names sessions: a counter behind bits drawn when the process started.
enum SessionID {
    private static let counter = Atomic<UInt64>(0)
    private static let prefix = UInt64.random(in: 1 << 24..<1 << 28)

    /// 12 characters or so, digits and lower-case letters.
    static func next() -> String {
        let number = counter.wrappingAdd(1, ordering: .relaxed).oldValue
        return String(prefix << 32 | number & 0xFFFF_FFFF, radix: 32)
    }
}
