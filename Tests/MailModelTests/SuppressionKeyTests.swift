import MailModel
import Testing

@Suite struct SuppressionKeyTests {
    @Test(arguments: [
        ("Ann@Example.ORG", "ann@example.org"), ("\"a b\"@example.org", "\"a b\"@example.org"),
        ("\"ann\"@example.org", "ann@example.org"), ("example.org", "example.org"), ("@example.org", "example.org"),
        ("*.Example.org", "*.example.org"), ("*.a@example.org", "*.a@example.org"),
        ("ann@[192.0.2.1]", "ann@[192.0.2.1]"), ("JÖRG@bücher.example", "jörg@xn--bcher-kva.example"),
    ])
    func targetsAreFolded(text: String, folded: String) throws {
        let target = try #require(SuppressionTarget(text))
        #expect("\(target)" == folded)
        #expect(SuppressionTarget(folded) == target)
    }

    @Test(arguments: ["", "@", "ann@", "ann bo@example.org", "*.", "*.[192.0.2.1]", "ex ample.org", "a..b", "*"])
    func othersAreNone(text: String) { #expect(SuppressionTarget(text) == nil) }

    @Test(arguments: [nil, "t1", "a/b", "%", "100%/2F", "ü"])
    func keysComeBack(tenant: String?) throws {
        for text in ["ann/x@example.org", "\"a/ b\"@example.org", "example.org", "*.example.org"] {
            let key = SuppressionKey(tenant: tenant, try #require(SuppressionTarget(text)))
            #expect(SuppressionKey(key.description) == key)
        }
    }

    @Test func noOtherKeyIsOne() {
        for text in ["", "suppress/", "suppress/t", "suppress//", "suppress//a b", "01ARZ3NDEKTSV4RRFFQ69G5FAV/n1"] {
            #expect(SuppressionKey(text) == nil)
        }
    }
}

@Suite struct TimestampReadingTests {
    @Test(arguments: [
        ("1970-01-01", 0), ("1970-01-01T00:00:01Z", 1000), ("2026-03-01T09:30:00.125Z", 1_772_357_400_125),
        ("2024-02-29", 1_709_164_800_000), ("1969-12-31T23:59:59.999Z", -1), ("0000-03-01", -62_162_035_200_000),
    ])
    func reads(text: String, milliseconds: Int) throws {
        let moment = try #require(Timestamp(text))
        #expect(moment.milliseconds == Int64(milliseconds))
        #expect(Timestamp(moment.description) == moment)
    }

    @Test(arguments: [
        "", "2026", "2026-13-01", "2026-02-29", "2026-04-31", "2026-1-01", "2026-03-01T", "2026-03-01T24:00:00Z",
        "2026-03-01T09:30:00", "2026-03-01T09:30:00+01:00", "2026-03-01T09:30:00.1Z", "2026-03-01T09:30:00ZZ",
        "2026-03-01 09:30:00Z", "180d",
    ])
    func refuses(text: String) { #expect(Timestamp(text) == nil) }
}
