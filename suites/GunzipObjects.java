import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.zip.GZIPInputStream;

/** Writes what the JDK's own reader makes of each gzip file named, one after the other, to standard output. */
public final class GunzipObjects {
    private GunzipObjects() {}

    public static void main(String[] paths) throws IOException {
        try (OutputStream out = new BufferedOutputStream(System.out, 1 << 16)) {
            for (String path : paths) {
                try (GZIPInputStream in = new GZIPInputStream(new BufferedInputStream(new FileInputStream(path)))) {
                    in.transferTo(out);
                }
            }
        }
    }
}
