// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that the library's build neither needs nor sees the fuzzer. Build it with fuzz.sh, which adds the
// coverage flags for every module and names the toolchain's fuzzer library.
let package = Package(
  name: "fuzz",
  dependencies: [.package(name: "pinion", path: "../..")],
  targets: [
    .executableTarget(
      name: "fuzz-reader", dependencies: [.product(name: "PinionImport", package: "pinion")],
      swiftSettings: [.unsafeFlags(["-parse-as-library"])], linkerSettings: [.linkedLibrary("stdc++")])
  ]
)
