// Java's own HTTP server, HTTP/1.1. java JavaFiles.java ROOT HOST PORT transferTo|buffer
//
// Its response is an OutputStream and no SocketChannel, so that FileChannel.transferTo() copies as well.

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executors;

public class JavaFiles {
    public static void main(String[] words) throws IOException {
        Path root = Path.of(words[0]);
        HttpServer server = HttpServer.create(new InetSocketAddress(words[1], Integer.parseInt(words[2])), 1024);
        server.createContext("/", exchange -> answer(exchange, root, words[3].equals("transferTo")));
        server.setExecutor(Executors.newCachedThreadPool());
        server.start();
    }

    private static void answer(HttpExchange exchange, Path root, boolean transfers) throws IOException {
        Path path = root.resolve(Path.of(exchange.getRequestURI().getPath()).getFileName());
        if (!Files.exists(path)) {
            exchange.sendResponseHeaders(404, -1);
            return;
        }
        try (FileChannel file = FileChannel.open(path); exchange) {
            exchange.sendResponseHeaders(200, file.size());
            OutputStream out = exchange.getResponseBody();
            if (transfers) {
                WritableByteChannel channel = Channels.newChannel(out);
                for (long sent = 0; sent < file.size(); ) {
                    sent += file.transferTo(sent, file.size() - sent, channel);
                }
            } else {
                byte[] buffer = new byte[1 << 18];
                var in = Channels.newInputStream(file);
                for (int count; (count = in.read(buffer)) > 0; ) {
                    out.write(buffer, 0, count);
                }
            }
        }
    }
}
