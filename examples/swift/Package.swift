// swift-tools-version: 6.2
import PackageDescription

// Where Pinion's repository is, in a folder of this name. A program of yours says where it gets it from.
let pinion = Context.environment["PINION_PACKAGE"] ?? "../../../pinion"

let package = Package(
  name: "examples",
  dependencies: [.package(url: pinion, from: "0.1.0")],
  targets: [
    .executableTarget(name: "describe-and-run", dependencies: [.product(name: "PinionSwift", package: "pinion")]),
    .executableTarget(name: "graphs-in-code", dependencies: [.product(name: "PinionSwift", package: "pinion")]),
  ]
)
