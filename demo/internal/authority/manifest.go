package authority

import (
	"fmt"
	"strings"
)

// manifest is the Secret that hands the certificates to Dispatcher.
func manifest(cert, key, clients string) string {
	indented := func(pem string) string { return strings.ReplaceAll(strings.TrimSpace(pem), "\n", "\n    ") }
	return fmt.Sprintf(`# Made by the demo when it started, and removed at its end.
# Try: move this file away. The hosts of the Namespace are then closed, also on
# plain HTTP: what asks for TLS is never served without it.
apiVersion: v1
kind: Secret
metadata:
  name: routing
  namespace: %s
stringData:
  ssl.crt: |
    %s
  ssl.key: |
    %s
  # Who must have signed the certificates of clients.
  client.crt: |
    %s
`, namespace, indented(cert), indented(key), indented(clients))
}
