// An origin for the smuggling test: a line for each request it sees, `METHOD TARGET BYTES`.
// Takes what Node can be talked into taking.
const fs = require("node:fs");
const http = require("node:http");
const [port, file] = process.argv.slice(2);
const log = fs.openSync(file, "a");
const server = http.createServer({ insecureHTTPParser: true, keepAliveTimeout: 60000 }, (request, answer) => {
  fs.writeSync(log, `${request.method} ${request.url} -\n`);
  request.resume();
  request.on("end", () => answer.end("ok"));
});
server.on("clientError", (error, socket) => {
  // A method that Node has no name for: a request all the same.
  if (error.code === "HPE_INVALID_METHOD")
    fs.writeSync(log, `${error.rawPacket.toString("latin1").split(" ", 2).join(" ")} -\n`);
  else if (error.code !== "ECONNRESET" && error.code !== "HPE_INVALID_EOF_STATE")
    fs.writeSync(log, `BAD ${error.code} -\n`);
  socket.destroy();
});
server.listen(Number(port), "127.0.0.1");
