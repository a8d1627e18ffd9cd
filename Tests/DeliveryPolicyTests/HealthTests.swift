import DeliveryPolicy
import Testing

private func at(_ seconds: Int) -> MonotonicTime { MonotonicTime(nanoseconds: 0) + .seconds(seconds) }

struct HostHealthTests {
    @Test func backsOffAndDoubles() {
        var health = HostHealth()
        #expect(health.use("192.0.2.1", now: at(0)) == .usable)
        health.failed("192.0.2.1", now: at(0))
        #expect(health.use("192.0.2.1", now: at(59)) == .unusable(until: at(60)))
        #expect(health.use("192.0.2.2", now: at(59)) == .usable)
        #expect(health.use("192.0.2.1", now: at(60)) == .probe)
        var now = 60
        for wait in [120, 240, 480, 900, 900] {
            health.failed("192.0.2.1", now: at(now))
            #expect(health.usability(of: "192.0.2.1", now: at(now + wait - 1)) == .unusable(until: at(now + wait)))
            #expect(health.use("192.0.2.1", now: at(now + wait)) == .probe)
            now += wait
        }
        health.succeeded("192.0.2.1")
        #expect(health.use("192.0.2.1", now: at(now)) == .usable)
        #expect(health.count == 0)
    }

    @Test func oneProbeAtATime() {
        var health = HostHealth()
        health.failed("a", now: at(0))
        #expect(health.use("a", now: at(60)) == .probe)
        #expect(health.use("a", now: at(61)) == .unusable(until: at(660)))
        health.abandoned("a", now: at(62))
        #expect(health.use("a", now: at(62)) == .probe)
        #expect(health.use("a", now: at(662)) == .probe, "a probe that nobody reports on counts as lost")
    }

    @Test func failuresThatBeganTogetherCountOnce() {
        var health = HostHealth()
        for second in 0..<5 { health.failed("a", now: at(second)) }
        #expect(health.usability(of: "a", now: at(10)) == .unusable(until: at(60)))
    }

    @Test func staysBoundedAndForgetsTheOldest() {
        var health = HostHealth(capacity: 100)
        for host in 0..<1000 {
            health.failed("host \(host)", now: at(0))
            #expect(health.count <= 100)
        }
        #expect(health.usability(of: "host 999", now: at(1)) != .usable)
        #expect(health.usability(of: "host 0", now: at(1)) == .usable)
    }
}
