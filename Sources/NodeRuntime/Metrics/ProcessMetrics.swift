internal import Glibc
internal import MailModel

/// Facts about the process itself, from `/proc`.
package enum ProcessMetrics {
    package static func register(in registry: MetricsRegistry) {
        registry.gauge(.processStart).set(Double(Timestamp.wallClock.milliseconds) / 1000)
        registry.observe(.residentMemory) { residentBytes().map { [MetricSample(Double($0))] } ?? [] }
        registry.observe(.openFiles) { openFiles().map { [MetricSample(Double($0))] } ?? [] }
        registry.observe(.lostLogLines) { [MetricSample(Double(LogSink.standardError.lostLines))] }
    }

    /// The second field of `/proc/self/statm` counts pages (proc(5)).
    static func residentBytes() -> Int? {
        guard let file = fopen("/proc/self/statm", "re") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    static func openFiles() -> Int? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        return count - 3  // ".", "..", and the directory itself
    }
}
