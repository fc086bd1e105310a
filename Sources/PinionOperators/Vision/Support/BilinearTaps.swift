import CKernels

/// Whether pk_bilinear_kernels can read planes of these extents: neighbours exist, and coordinates are exact as Float.
func canPair(_ extents: [Int]) -> Bool { extents.count == 2 && extents[1] >= 2 && extents.allSatisfy { (1...1 << 24).contains($0) } }

/// Room for the taps of points in a lane's memory.
enum BilinearTaps {
  /// 32-bit words for each point.
  static let words = 7

  /// Memory of `capacity` points from an address on that is a multiple of 4.
  static func at(_ memory: UnsafeMutableRawPointer, capacity: Int) -> pk_bilinear {
    let places = memory.bindMemory(to: Int32.self, capacity: 3 &* capacity)
    return pk_bilinear(
      upper: places, lower: places + capacity, flags: places + 2 &* capacity,
      weights: (memory + 12 &* capacity).bindMemory(to: Float.self, capacity: 4 &* capacity))
  }
}
