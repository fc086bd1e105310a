build:
	swift build -c release -j 2
