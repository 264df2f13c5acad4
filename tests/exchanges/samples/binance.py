"""One payload of every kind that Binance sends, small enough to read."""

from __future__ import annotations

SYMBOLS = {"BTCUSDT": 5, "ETHUSDT": 6}

SAMPLES: dict[str, bytes] = {
    "trade": b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT",'
    b'"t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,'
    b'"M":true}}',
    "trade_us": b'{"data":{"e":"trade","E":1723161255343001,"s":"ETHUSDT","t":9,"p":"2500.5",'
    b'"q":"3","T":1723161255342999,"m":false,"M":true},"stream":"ethusdt@trade"}',
    "bookTicker": b'{"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT",'
    b'"b":"61837.63","B":"3.78826000","a":"61837.64","A":"1.54698000"}}',
    "ticker": b'{"stream":"btcusdt@ticker","data":{"e":"24hrTicker","E":1723161255343001,'
    b'"s":"BTCUSDT","p":"15.1","P":"0.02","w":"61000.1","x":"61822.5","c":"61837.63",'
    b'"Q":"0.02","b":"61837.62","B":"4","a":"61837.64","A":"2","o":"61822.5","h":"62000",'
    b'"l":"60000","v":"1000.5","q":"61000000","O":1723074855343001,"C":1723161255343001,'
    b'"F":100,"L":3735683259,"n":1000}}',
    "depth": b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255208,'
    b'"s":"BTCUSDT","U":101,"u":103,"b":[["61737.63","0.00000000"],["61730.17","2"]],'
    b'"a":[["61837.64","1.54698000"]]}}',
    "snapshot": b'{"snapshot":"ETHUSDT","data":{"lastUpdateId":102,'
    b'"bids":[["2500.1","1"],["2500","2"]],"asks":[["2500.2","3"]]}}',
    "acknowledgement": b'{"result":null,"id":4}',
    "error": b'{"error":{"code":2,"msg":"Invalid request: unknown method"},"id":5}',
    "serverShutdown": b'{"e":"serverShutdown","E":1723161255208}',
    "aggTrade": b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","s":"BTCUSDT","a":1}}',
    "kline": b'{"stream":"btcusdt@kline_1m","data":{"e":"kline","s":"BTCUSDT","k":{}}}',
}
