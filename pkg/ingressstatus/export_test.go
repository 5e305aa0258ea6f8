package ingressstatus

// For tests of what is not exported.
const OwnNamespace = ownNamespace

// HereFrom is Here with another file.
func HereFrom(getenv func(string) string, file string) (namespace, identity string, err error) {
	return here(getenv, file)
}
