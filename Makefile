build: ; go build -o bin/dispatcher ./cmd/dispatcher
