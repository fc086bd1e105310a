import PinionBase

/// A piece of the arena and the steps during which it is in use.
struct ArenaBlock {
  var bytes: Int
  var first: Int
  var last: Int
  var offset = 0
}

/// Gives every block an offset such that no two overlap in both time and memory: larger blocks first, each in the smallest
/// gap that holds it.
/// - Returns: the arena's size.
func layOut(_ blocks: inout [ArenaBlock]) throws(PinionError) -> Int {
  var arenaBytes = 0
  var placed: [Int] = []
  for index in blocks.indices { blocks[index].bytes = try alignedUp(max(blocks[index].bytes, 1), to: Buffer.alignment) }
  let order = blocks.indices.sorted { (blocks[$0].bytes, $1) > (blocks[$1].bytes, $0) }
  for index in order {
    let block = blocks[index]
    var offset = 0
    var best: (gap: Int, offset: Int)?
    for other in placed {  // in order of offset
      let neighbour = blocks[other]
      guard neighbour.first <= block.last, block.first <= neighbour.last else { continue }
      let gap = neighbour.offset - offset
      if gap >= block.bytes, gap < (best?.gap ?? .max) { best = (gap, offset) }
      offset = max(offset, neighbour.offset + neighbour.bytes)
    }
    blocks[index].offset = best?.offset ?? offset
    arenaBytes = max(arenaBytes, try blocks[index].offset.adding(block.bytes))
    let place = placed.firstIndex { blocks[$0].offset > blocks[index].offset } ?? placed.count
    placed.insert(index, at: place)
  }
  return arenaBytes
}
