import Spool
import Testing

@Suite("Partitioner")
struct PartitionerTests {
    /// Values of Kafka's own test, `UtilsTest.testMurmur2`, in signed 32 bits.
    @Test(
        "hashes are those of the Java client",
        arguments: [
            ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
        ] as [(String, Int32)])
    func hashes(_ key: String, _ hash: Int32) {
        var key = key
        #expect(key.withUTF8 { Int32(bitPattern: Partitioner.murmur2($0)) } == hash)
    }

    @Test("partitions are within the count, and all of them are used")
    func range() {
        var used = Set<Int>()
        for number in 0..<5000 { used.insert(Partitioner.partition(of: "d\(number).test", count: 64)) }
        #expect(used == Set(0..<64))
    }
}
