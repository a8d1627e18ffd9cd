// swift-tools-version:6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioHTTP: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let grdbSQLite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")

/// The runtime goes into the binary: it then runs where no Swift is installed, and counting references is cheaper.
let staticRuntime: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-static-stdlib", "-Xlinker", "--start-group", "-lCoreFoundation", "-lFoundationEssentials",
            "-lFoundationInternationalization", "-l_FoundationICU", "-l_FoundationCShims", "-l_FoundationCollections",
            "-Xlinker", "--end-group", "-lstdc++",
        ], .when(platforms: [.linux]))
]

func target(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

// Layers, lowest first: a target may depend on lower ones only, and roles never on roles (Sources/ARCHITECTURE.md).
let package = Package(
    name: "apus",
    products: [.executable(name: "apus", targets: ["apus"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // System libraries
        .systemLibrary(name: "CUnbound", providers: [.apt(["libunbound-dev"])]),
        .systemLibrary(name: "CIDN2", providers: [.apt(["libidn2-dev"])]),
        .systemLibrary(name: "CPCRE2", providers: [.apt(["libpcre2-dev"])]),
        // 0: the nouns, and the one place that knows `struct stat`
        target("FileStatus", []),
        target("MailModel", [nioCore, "CIDN2"]),
        // 1: pure rules
        target("SMTPProtocol", ["MailModel", nioCore]),
        target("MessageFormat", ["MailModel", nioCore]),
        target("DeliveryPolicy", ["MailModel", "CPCRE2"]),
        // 2: edges
        target(
            "Spool", ["MailModel", nioCore, protobuf],
            exclude: ["common", "mail", "schedule", "control"].map { "Records/\($0).proto" }),
        target(
            "LocalSpool",
            [
                "FileStatus", "MailModel", "Spool", nioCore, logging, deque,
                grdb, grdbSQLite,
            ]),
        target("DNSClient", ["MailModel", "CUnbound", nioCore, crypto]),
        target("Maildir", ["MailModel", "DeliveryPolicy", nioCore]),
        target("SMTPTransport", ["MailModel", "SMTPProtocol", nioCore, nioPosix, nioTLS, nioSSL, logging]),
        target(
            "NodeRuntime",
            [
                "FileStatus", "MailModel", "DeliveryPolicy", nioCore, nioPosix, logging, metrics, lifecycle,
                hummingbird, .product(name: "Yams", package: "Yams"),
            ]),
        target(
            "LoadTest",
            ["MailModel", "SMTPProtocol", "SMTPTransport", nioCore, nioPosix, nioTLS, nioSSL, deque, histogram]),
        // 3: roles
        target(
            "Ingress",
            [
                "MailModel", "SMTPProtocol", "MessageFormat", "DeliveryPolicy", "Spool", "DNSClient", "SMTPTransport",
                "NodeRuntime", nioCore, nioSSL, logging, lifecycle, deque,
            ]),
        target(
            "Sender",
            [
                "MailModel", "SMTPProtocol", "MessageFormat", "DeliveryPolicy", "Spool", "DNSClient", "SMTPTransport",
                "Maildir", "NodeRuntime", nioCore, nioPosix, logging, crypto, deque, heap, lifecycle,
            ]),
        // 4: commands
        .executableTarget(
            name: "apus",
            dependencies: [
                "MailModel", "SMTPProtocol", "MessageFormat", "DeliveryPolicy", "Spool", "LocalSpool", "DNSClient",
                "SMTPTransport", "NodeRuntime", "LoadTest", "Ingress", "Sender", nioCore, nioPosix, nioSSL, nioHTTP,
                logging, lifecycle,
                httpClient, .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: strict, linkerSettings: staticRuntime),
        // Tests mirror the sources
        .target(name: "MailTestKit", dependencies: ["MailModel"], path: "Tests/MailTestKit", swiftSettings: strict),
        tests("MailModelTests", ["MailModel", "MailTestKit", nioCore]),
        tests("SMTPProtocolTests", ["MailModel", "SMTPProtocol", nioCore], resources: [.copy("Dialogues")]),
        tests("MessageFormatTests", ["MailModel", "MessageFormat", nioCore]),
        tests("DeliveryPolicyTests", ["MailModel", "DeliveryPolicy", "MailTestKit"]),
        tests("SpoolTests", ["MailModel", "Spool", nioCore, protobuf]),
        tests(
            "SpoolContractTests", ["MailModel", "Spool", "LocalSpool", "SpoolWriter", nioCore, grdb]),
        .executableTarget(
            name: "SpoolWriter", dependencies: ["MailModel", "Spool", "LocalSpool", nioCore],
            path: "Tests/SpoolWriter", swiftSettings: strict),
        tests("DNSClientTests", ["MailModel", "DNSClient", "MailTestKit", nioCore]),
        tests("MaildirTests", ["MailModel", "DeliveryPolicy", "Maildir", "MailTestKit", nioCore]),
        tests(
            "SMTPTransportTests",
            ["MailModel", "SMTPProtocol", "SMTPTransport", "MailTestKit", nioCore, nioPosix, nioEmbedded, nioSSL]),
        tests(
            "NodeRuntimeTests",
            [
                "MailModel", "DeliveryPolicy", "NodeRuntime", "MailTestKit", nioCore, nioPosix, logging, metrics,
                lifecycle,
            ],
            resources: [.copy("Bounces")]),
        tests(
            "IngressTests",
            [
                "MailModel", "SMTPProtocol", "DeliveryPolicy", "Spool", "SMTPTransport", "NodeRuntime", "Ingress",
                "MailTestKit",
                nioCore, nioPosix, logging, lifecycle,
            ]),
        tests(
            "SenderTests",
            [
                "MailModel", "MessageFormat", "DeliveryPolicy", "Spool", "LocalSpool", "DNSClient", "NodeRuntime",
                "Sender",
                "MailTestKit", nioCore, nioPosix, logging, lifecycle,
            ]),
        tests("LoadTestTests", ["SMTPProtocol", "LoadTest", nioCore]),
        tests("AllocationTests", ["MailModel", "SMTPProtocol", "CAllocationCounter", nioCore]),
        .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
        tests("ArchitectureTests", []),
        tests("ScenarioTests", ["MailTestKit"], resources: [.copy("Peers")]),
    ]
)
