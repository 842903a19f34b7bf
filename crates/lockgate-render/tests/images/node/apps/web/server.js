const http = require('http');
const { greeting } = require('greeting');
const ms = require('ms');
const built = require('./built.json');

let development = true;
try {
  require.resolve('escape-string-regexp');
} catch {
  development = false;
}

const about = {
  ...built,
  greeting,
  day: ms('1d'),
  development,
  words: process.argv.slice(2),
  version: process.env.APP_VERSION,
};
const server = http.createServer((request, response) => {
  response.writeHead(request.url === '/health' || request.url === '/' ? 200 : 404);
  response.end(JSON.stringify(about));
});
server.listen(Number(process.env.PORT));
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
