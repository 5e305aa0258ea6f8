package requests

import "strings"

// methods: only paths are routed, and nothing is opened.
func methods() []exchange {
	of := func(name, raw, want, pods, row string) exchange {
		return exchange{name: "method: " + name, raw: raw, want: want, pods: pods, row: row}
	}
	refused := func(name, raw string) exchange {
		return exchange{name: "method: " + name, raw: raw, want: "405", or: "400", row: "`CONNECT`"}
	}
	const others = "Methods that are not known"
	return []exchange{
		refused("CONNECT", "CONNECT beta.test:80 HTTP/1.1\r\nHost: alpha.test\r\n\r\n"),
		refused("CONNECT to itself", "CONNECT alpha.test HTTP/1.1\r\nHost: alpha.test\r\n\r\n"),
		refused("CONNECT with a path", "CONNECT / HTTP/1.1\r\nHost: alpha.test\r\n\r\n"),
		refused("CONNECT, absolute", "CONNECT http://alpha.test/ HTTP/1.1\r\nHost: alpha.test\r\n\r\n"),
		of("TRACE", request("TRACE", "alpha.test", "/"), "405", "", "`TRACE`"),
		of("HEAD", request("HEAD", "alpha.test", "/"), "200", "alpha-web", ""),
		of("OPTIONS *", request("OPTIONS", "alpha.test", "*"), "400", "", ""),
		of("PURGE", request("PURGE", "alpha.test", "/"), "200", "alpha-web", others),
		of("below a rule", request("PURGE", "alpha.test", "/admin"), "403", "", "Paths with dots, slashes and encodings, below a rule"),
		of("PROPFIND", request("PROPFIND", "alpha.test", "/"), "200", "alpha-web", others),
		of("an underscore", request("A_B", "alpha.test", "/"), "200", "alpha-web", others),
		of("lower case", request("get", "alpha.test", "/"), "400", "", ""),
		of("a number", request("G3T", "alpha.test", "/"), "400", "", ""),
		of("a space before it", request(" GET", "alpha.test", "/"), "400", "", ""),
		of("line ends before it", "\r\n\r\n"+get("alpha.test", "/"), "200", "alpha-web", ""),
		of("GET with a body", request("GET", "alpha.test", "/", "Content-Length: 3")+"abc", "200", "alpha-web", ""),
		of("another method by a header", request("POST", "alpha.test", "/admin", "X-HTTP-Method-Override: GET"), "403", "", ""),
	}
}

// upgrades: only a WebSocket is passed on.
func upgrades() []exchange {
	h2c := func(name string, lines ...string) exchange {
		raw := "GET / HTTP/1.1\r\nHost: alpha.test\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
		return exchange{name: "upgrade: " + name, raw: raw, want: "200", pods: "alpha-web", hides: []string{"h2c", "upgrade:"}, row: "`Upgrade: h2c`, and all but `websocket`"}
	}
	return []exchange{
		h2c("h2c", "Connection: Upgrade, HTTP2-Settings, close", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
		h2c("h2c in upper case", "Connection: Upgrade, close", "Upgrade: H2C"),
		h2c("h2c without a space", "Connection: Upgrade, close", "upgrade:h2c"),
		h2c("h2c and websocket", "Connection: Upgrade, close", "Upgrade: h2c, websocket"),
		h2c("websocket and h2c", "Connection: Upgrade, close", "Upgrade: websocket, h2c"),
		h2c("twice", "Connection: Upgrade, close", "Upgrade: h2c", "Upgrade: websocket"),
		h2c("h2", "Connection: Upgrade, close", "Upgrade: h2"),
		h2c("TLS", "Connection: Upgrade, close", "Upgrade: TLS/1.3"),
		h2c("websocket with a version", "Connection: Upgrade, close", "Upgrade: websocket/13"),
		{name: "upgrade: websocket", raw: "GET / HTTP/1.1\r\nHost: alpha.test\r\nConnection: upgrade, close\r\nUpgrade: WebSocket\r\n\r\n", want: "200", pods: "alpha-web", sees: []string{"\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"}},
		{name: "upgrade: below a rule", raw: "GET /admin HTTP/1.1\r\nHost: alpha.test\r\nConnection: upgrade, close\r\nUpgrade: WebSocket\r\n\r\n", want: "403"},
	}
}

// versions: what is no HTTP/1 on the plain port is refused.
func versions() []exchange {
	of := func(name, raw, want string) exchange {
		return exchange{name: "version: " + name, raw: raw, want: want, row: "Other versions and protocols on the HTTP port"}
	}
	return []exchange{
		of("HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", "400"),
		of("HTTP/2.0", raw("/", "2.0", "Host: alpha.test"), "505"),
		{name: "version: HTTP/1.2", raw: raw("/", "1.2", "Host: alpha.test"), want: "200", pods: "alpha-web", sees: []string{" HTTP/1.1\r\n"}},
		of("HTTP/01.1", raw("/", "01.1", "Host: alpha.test"), "400"),
		of("http/1.1", "GET / http/1.1\r\nHost: alpha.test\r\n\r\n", "400"),
		of("no number", raw("/", "x", "Host: alpha.test"), "400"),
		of("PROXY", "PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\n"+get("alpha.test", "/admin"), "400"),
		of("PROXY, binary", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x00\x01\x00\x50"+get("alpha.test", "/admin"), "400"),
		of("noise", "\xff\xfe\xfd\r\n\r\n", "400"),
		of("SSH", "SSH-2.0-OpenSSH_9.0\r\n", "400"),
		of("nothing but line ends", strings.Repeat("\r\n", 3)+"x\r\n\r\n", "400"),
		of("a long line", get("alpha.test", "/"+strings.Repeat("x", 20000)), "414"),
		of("a long header", get("alpha.test", "/", "X-Long: "+strings.Repeat("x", 20000)), "400"),
		of("long headers", get("alpha.test", "/", "X-1: "+strings.Repeat("x", 15000), "X-2: "+strings.Repeat("x", 15000), "X-3: "+strings.Repeat("x", 15000), "X-4: "+strings.Repeat("x", 15000), "X-5: "+strings.Repeat("x", 15000)), "400"),
	}
}
