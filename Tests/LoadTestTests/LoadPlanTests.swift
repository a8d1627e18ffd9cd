import LoadTest
import NIOCore
import Testing

struct LoadPlanTests {
    static func plan(
        seed: UInt64 = 7, run: String = "R1", recipients: Int = 1, sizes: [LoadPlan.Size] = [.init(octets: 4000)],
        domains: [String] = ["dst.test"], choice: WeightedChoice? = nil, tenants: Int = 0
    ) -> LoadPlan {
        LoadPlan(
            run: run, seed: seed, reversePath: "a@src.test", recipients: recipients, tenants: tenants, sizes: sizes,
            domains: domains, domainChoice: choice ?? .uniform(domains.count))
    }

    @Test func aSeedRepeatsARun() {
        let sizes: [LoadPlan.Size] = [.init(octets: 2000, weight: 70), .init(octets: 50_000, weight: 30)]
        let domains = (1...10).map { "d\($0).test" }
        func all(_ seed: UInt64, run: String) -> [LoadMessage] {
            let plan = Self.plan(seed: seed, run: run, recipients: 3, sizes: sizes, domains: domains, tenants: 5)
            return (0..<200).map { plan.message($0) }
        }
        #expect(all(7, run: "A") == all(7, run: "B"))
        #expect(all(7, run: "A") != all(8, run: "A"))
        #expect(Set(all(7, run: "A").map(\.body)).count == 200)
    }

    @Test func weightsAreKept() {
        let sizes: [LoadPlan.Size] = [
            .init(octets: 1, weight: 70), .init(octets: 2, weight: 25), .init(octets: 3, weight: 5),
        ]
        let plan = Self.plan(sizes: sizes)
        var counts = [0, 0, 0, 0]
        for number in 0..<20_000 { counts[plan.message(number).size] += 1 }
        #expect(
            abs(counts[1] - 14_000) < 400 && abs(counts[2] - 5000) < 300 && abs(counts[3] - 1000) < 150, "\(counts)")
    }

    @Test func zipfFallsOff() {
        let choice = WeightedChoice.zipf(100)
        var random = LoadRandom(seed: 1)
        var counts = [Int](repeating: 0, count: 100)
        for _ in 0..<100_000 { counts[choice.draw(&random)] += 1 }
        // 1 / H(100) is 0.193.
        #expect(abs(counts[0] - 19_277) < 800)
        #expect(abs(counts[1] - 9639) < 600)
        #expect(counts[99] > 50 && counts[99] < 400)
    }

    @Test(arguments: [600, 601, 4000, 65_000, 70_000, 3_000_000])
    func contentsHaveTheirSize(_ size: Int) throws {
        let plan = Self.plan(sizes: [.init(octets: size)])
        let content = LoadContent(plan)
        let message = plan.message(17)
        var out = ByteBuffer()
        let written = content.write(
            message, time: 1_790_000_000_123_456, date: "Tue, 24 Nov 2026 12:00:00 +0000", into: &out)
        for slice in written.slices { out.writeImmutableBuffer(slice) }
        #expect(written.octets == size)
        #expect(out.readableBytes == size)
        let text = String(buffer: out)
        #expect(text.hasSuffix("\r\n"))
        #expect(text.contains("\r\nMessage-ID: <17.R1@bench.apus>\r\n"))
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        #expect(lines.allSatisfy { $0.utf8.count <= 200 && !$0.hasPrefix(".") })
        #expect(BenchField(in: out) == BenchField(run: "R1", number: 17, recipients: 1, time: 1_790_000_000_123_456))
    }

    /// A cut between CR and LF would be a bare CR, which servers refuse.
    @Test func linesEndInCRLFAtEverySize() {
        let plan = Self.plan()
        let content = LoadContent(plan)
        var message = plan.message(0)
        for size in 700..<700 + 2 * 78 {
            message.size = size
            var out = ByteBuffer()
            _ = content.write(message, time: 1, date: "x", into: &out)
            #expect(out.readableBytes == size)
            let octets = Array(out.readableBytesView)
            for (index, octet) in octets.enumerated() where octet == 0x0D {
                #expect(index + 1 < octets.count && octets[index + 1] == 0x0A, "at \(index) of \(size)")
            }
        }
    }

    @Test func aSizeBelowTheFieldsHasNoBody() {
        let plan = Self.plan(sizes: [.init(octets: 1)])
        var out = ByteBuffer()
        let written = LoadContent(plan).write(plan.message(0), time: 1, date: "x", into: &out)
        #expect(written.slices.isEmpty)
        #expect(written.octets == out.readableBytes)
        #expect(String(buffer: out).hasSuffix("\r\n\r\n"))
    }

    @Test func commands() {
        let plan = Self.plan(recipients: 2)
        let message = plan.message(12)
        var out = ByteBuffer()
        plan.writeMail(octets: 4000, into: &out)
        plan.writeRcpt(message, 1, into: &out)
        #expect(String(buffer: out) == "MAIL FROM:<a@src.test> SIZE=4000\r\nRCPT TO:<b12.1@dst.test>\r\n")
    }
}
