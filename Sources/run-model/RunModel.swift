import ArgumentParser
@main struct RunModel: ParsableCommand {}
