internal import CDispatch  // the module that this toolchain takes `timespec` from when Dispatch is loaded as well
internal import Glibc
internal import MailModel

extension Timestamp {
    /// Now, by the system's clock.
    static var wallClock: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
