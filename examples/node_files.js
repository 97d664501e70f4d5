// Node's http server: a file as a stream, read into buffers of 64 KiB and written. node node_files.js ROOT HOST PORT
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");

const [root, host, port] = process.argv.slice(2);

http
  .createServer((request, response) => {
    const file = path.join(root, path.basename(request.url));
    fs.stat(file, (error, found) => {
      if (error) return response.writeHead(404).end();
      response.writeHead(200, { "Content-Length": found.size, "Content-Type": "application/octet-stream" });
      fs.createReadStream(file).pipe(response);
    });
  })
  .listen(Number(port), host);
