// Refuse every connection and name lookup of this Node process; pipes stay.
const net = require("node:net");
const dns = require("node:dns");

const refuse = () => {
  throw new Error("offline: this process may not connect");
};
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const [options] = Array.isArray(args[0]) ? args[0] : args;
  return options && options.path ? connect.apply(this, args) : refuse();
};
dns.lookup = refuse;
dns.promises.lookup = refuse;
