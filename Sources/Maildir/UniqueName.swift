import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Names of files in a Maildir, each given once: second, microsecond, process, counter and host.
enum UniqueName {
    private static let count = Atomic<UInt64>(0)

    /// - Parameter host: A slash or colon in it is written in octal, as the format asks.
    static func next(host: String) -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let number = count.add(1, ordering: .relaxed).newValue
        let host = host.replacing("/", with: "\\057").replacing(":", with: "\\072")
        return "\(now.tv_sec).M\(now.tv_nsec / 1000)P\(getpid())Q\(number).\(host)"
    }
}
