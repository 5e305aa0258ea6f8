package requests

// paths: nginx compares the path that it has decoded and normalised, and the Pod
// gets the bytes that the client wrote. /admin and /both/secret let in nobody.
func paths() []exchange {
	refused := func(name, uri, want string) exchange {
		return exchange{name: "rule: " + name, raw: get("alpha.test", uri), want: want, row: "Paths with dots, slashes and encodings, below a rule"}
	}
	seen := func(name, uri, pods string) exchange {
		return exchange{name: "path: " + name, raw: get("alpha.test", uri), want: "200", pods: pods, sees: []string{"GET " + uri + " HTTP/1.1\r\n"}, row: "Paths with dots, slashes and encodings"}
	}
	return []exchange{
		refused("as it is", "/admin", "403"),
		refused("below it", "/admin/x", "403"),
		refused("two slashes", "//admin", "403"),
		refused("three slashes", "///admin//x", "403"),
		refused("a dot segment", "/./admin", "403"),
		refused("dots before", "/x/../admin", "403"),
		refused("dots behind", "/admin/x/..", "403"),
		refused("dots inside", "/admin/x/../y", "403"),
		refused("encoded dots", "/x/%2e%2e/admin", "403"),
		refused("a dot and an encoded one", "/x/.%2E/admin", "403"),
		refused("encoded slash before dots", "/x%2f..%2fadmin", "403"),
		refused("encoded slash at its end", "/admin%2fx", "403"),
		refused("encoded slash at its begin", "/%2fadmin", "403"),
		refused("an encoded letter", "/%61dmin", "403"),
		refused("all letters encoded", "/%61%64%6d%69%6e/x", "403"),
		refused("a query", "/admin?x", "403"),
		refused("an encoded query", "/admin/%3fx", "403"),
		refused("a fragment", "/admin#x", "403"),
		refused("a fragment that hides dots", "/admin#/../x", "403"),
		refused("a semicolon below it", "/admin/;x", "403"),
		refused("dots with a semicolon", "/admin/..;/x", "403"),
		refused("a query before dots", "/admin/?/../../x", "403"),
		refused("the Pod's other path", "/both/secret", "403"),
		refused("the Pod's other path, dots", "/both/x/../secret", "403"),
		refused("the Pod's other path, encoded", "/both/%73ecret", "403"),
		refused("the Pod's other path, encoded slash", "/both%2fsecret", "403"),
		refused("dots behind an encoded query", "/x%3f/../admin", "403"),
		refused("exact", "/exact", "403"),
		refused("exact, encoded", "/%65xact", "403"),
		refused("exact, slashes", "//exact", "403"),
		refused("exact, query", "/exact?x", "403"),
		refused("above the root", "/../admin", "400"),
		refused("above the root, encoded", "/%2e%2e/admin", "400"),
		refused("above the root, encoded slash", "/..%2fadmin", "400"),
		refused("above the root behind", "/admin/../../x", "400"),
		refused("NUL", "/admin%00", "400"),
		refused("NUL before", "/%00/../admin", "400"),
		refused("a byte NUL", "/admin\x00", "400"),
		refused("no hexadecimal", "/%zzadmin", "400"),
		refused("half an escape", "/admin%2", "400"),
		refused("no slash", "admin", "400"),
		refused("a control character", "/x\x01/../admin", "400"),
		refused("a bare CR", "/admin\r/x", "400"),
		// What nginx does not take for the path, the Pod gets as another one.
		seen("case", "/ADMIN", "alpha-web"),
		seen("twice encoded slash", "/x%252f..%252fadmin", "alpha-web"),
		seen("twice encoded dots", "/x/%252e%252e/admin", "alpha-web"),
		seen("a backslash", `/x\..\admin`, "alpha-web"),
		seen("an encoded backslash", "/x%5c..%5cadmin", "alpha-web"),
		seen("a semicolon", "/admin;x", "alpha-web"),
		seen("a semicolon before", "/;/admin", "alpha-web"),
		seen("dots and a semicolon", "/x/..;/admin", "alpha-web"),
		seen("an overlong slash", "/x%c0%af..%c0%afadmin", "alpha-web"),
		seen("overlong dots", "/x/%c0%ae%c0%ae/admin", "alpha-web"),
		seen("a wide slash", "/x%ef%bc%8f..%ef%bc%8fadmin", "alpha-web"),
		seen("three dots", "/x/.../admin", "alpha-web"),
		seen("a space behind dots", "/x/..%20/admin", "alpha-web"),
		seen("a tab behind dots", "/x/..%09/admin", "alpha-web"),
		seen("dots lead out", "/admin/../x", "alpha-web"),
		seen("encoded dots lead out", "/admin/%2e%2e/x", "alpha-web"),
		seen("encoded slashes lead out", "/admin/..%2fx", "alpha-web"),
		seen("dots in the query", "/x?/../admin", "alpha-web"),
		seen("UTF-7", "/x+AC8-admin", "alpha-web"),
		seen("longer than the exact one", "/exact/", "alpha-web"),
		seen("longer than a segment", "/administrator", "alpha-web"),
		seen("a space", "/x%20/admin", "alpha-web"),
		seen("an encoded line end", "/x%0d%0aX-Real-IP:%206.6.6.6", "alpha-web"),
		seen("an encoded version", "/x%20HTTP/1.1%0d%0a", "alpha-web"),
		seen("the Pod's open path", "/both/x", "alpha-both"),
		seen("the Pod's open path, dots", "/both/secret/../x", "alpha-both"),
		seen("the Pod's open path, backslash", `/both/x\..\secret`, "alpha-both"),
		seen("the Pod's open path, twice encoded", "/both/x%252f..%252fsecret", "alpha-both"),
		seen("a key", "/room/1", "alpha-room"),
		seen("a key behind dots", "/x/../room/1", "alpha-room"),
	}
}

// sharedPaths: on a host of several tenants, the Pods of exactly one see a request:
// those of the longest path that covers what nginx compares.
func sharedPaths() []exchange {
	of := func(name, uri, pods string) exchange {
		return exchange{name: "shared: " + name, raw: get("shared.test", uri), want: "200", pods: pods, sees: []string{"GET " + uri + " HTTP/1.1\r\n"}, row: "Paths with dots, slashes and encodings, on a host of several tenants"}
	}
	target := func(name, uri, pods, sees string) exchange {
		e := of(name, uri, pods)
		e.sees, e.row = []string{"GET " + sees + " HTTP/1.1\r\n"}, "Paths with dots, slashes and encodings, where `targetPath` is set"
		return e
	}
	hidden := func(name, uri, want string) exchange {
		return exchange{name: "target: " + name, raw: get("shared.test", uri), want: want, row: "Dots or encoded slashes that hide where `targetPath` begins"}
	}
	return []exchange{
		of("alpha's", "/a", "alpha-web"),
		of("beta's", "/b", "beta-web"),
		of("dots lead to beta", "/x/../b", "beta-web"),
		of("dots lead to alpha", "/b/../x", "alpha-web"),
		of("encoded dots lead to alpha", "/b/%2e%2e/x", "alpha-web"),
		of("an encoded slash leads to alpha", "/b/..%2fa/", "alpha-web"),
		of("an encoded slash leads to beta", "/a/..%2fb/", "beta-web"),
		of("encoded slashes lead to beta", "/a%2f..%2fb", "beta-web"),
		of("encoded slashes stay", "/a%2fb", "alpha-web"),
		of("slashes", "//b", "beta-web"),
		of("an encoded letter", "/%62", "beta-web"),
		of("twice encoded", "/%2562", "alpha-web"),
		of("twice encoded dots", "/b/%252e%252e/x", "beta-web"),
		of("a backslash", `/b\..\a`, "alpha-web"),
		of("backslashes below", `/b/\..\..\a`, "beta-web"),
		of("a semicolon", "/b;/../a", "alpha-web"),
		of("dots with a semicolon", "/b/..;/a", "beta-web"),
		of("longer than beta's", "/bb", "alpha-web"),
		of("case", "/B", "alpha-web"),
		of("a query", "/a?/../b", "alpha-web"),
		of("evil's dots lead to beta", "/evil/../b", "beta-web"),
		of("evil's encoded slash leads to beta", "/evil/..%2fb", "beta-web"),
		of("evil's", "/b/../evil", "evil-pod"),
		of("evil's, twice encoded", "/evil/%252e%252e/b", "evil-pod"),
		target("alpha's target", "/t/x", "alpha-target", "/inner/x"),
		target("beta's target", "/bt/a/b", "beta-target", "/a/b"),
		target("slashes", "//bt//x", "beta-target", "//x"),
		target("twice encoded dots below", "/bt/%252e%252e/a", "beta-target", "/%252e%252e/a"),
		target("a semicolon below", "/bt/..;/a", "beta-target", "/..;/a"),
		target("encoded slash below", "/bt/a%2fb", "beta-target", "/a%2fb"),
		target("encoded line end below", "/bt/x%0d%0aHost:evil.test", "beta-target", "/x%0d%0aHost:evil.test"),
		target("dots lead out", "/bt/../b", "beta-web", "/bt/../b"),
		hidden("dots", "/x/../bt/y", "400"),
		hidden("dots below", "/bt/x/../y", "400"),
		hidden("encoded dots", "/bt/%2e/y", "400"),
		hidden("encoded slash at its end", "/bt%2fx", "400"),
		hidden("encoded slash and dots", "/bt/x/..%2fy", "400"),
		hidden("alpha's, dots", "/a/../t/x", "400"),
		hidden("above the root", "/b%2f..%2f..%2fx", "400"),
		hidden("a fragment", "/bt/x#/../y", "400"),
	}
}

// encodings: the demand for a key is met by no way to write the path.
func encodings() (out []exchange) {
	for name, uri := range map[string]string{
		"slashes": "//k", "dots": "/x/../k", "encoded": "/%6b", "encoded dots": "/x/%2e%2e/k", "encoded slash": "/x/..%2fk", "encoded slash behind": "/k%2fx",
		"from another's": "/b/../k", "from evil's": "/evil/..%2fk", "a dot": "/./k", "a dot behind": "/k/.", "a query": "/k?/../a", "a fragment": "/k#/../a",
	} {
		out = append(out, exchange{name: "key: " + name, raw: get("shared.test", uri), want: "403", row: "Paths with dots, slashes and encodings, below a rule"})
	}
	return out
}
