// Node's http with the package `send`, as Express serves files (`make examples` installs it): a stream, too.
// node node_send.js ROOT HOST PORT
const http = require("node:http");
const send = require("send");

const [root, host, port] = process.argv.slice(2);

http.createServer((request, response) => send(request, request.url, { root }).pipe(response)).listen(Number(port), host);
