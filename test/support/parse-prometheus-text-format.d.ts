/** Throws where a text is none. Of a histogram's series it keeps one. */
declare module 'parse-prometheus-text-format' {
  export default function parsePrometheusTextFormat(
    text: string,
  ): readonly { readonly name: string; readonly type: string; readonly metrics: readonly object[] }[];
}
