"""One payload of every kind that OKX sends, small enough to read."""

from __future__ import annotations

SYMBOLS = {"BTC-USDT": 21, "ETH-USDT": 22, "UNI-USD-SWAP": 23, "BTC-USD-210924-66000-C": 24}

SAMPLES: dict[str, bytes] = {
    "trades-all": b'{"arg":{"channel":"trades-all","instId":"BTC-USDT"},"data":[{'
    b'"instId":"BTC-USDT","tradeId":"1040968612","px":"64040.1","sz":"0.002","side":"sell",'
    b'"ts":"1786538760217","source":"0"}]}',
    "trades": b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT",'
    b'"tradeId":"1040968614","px":"64040.2","sz":"0.00240857","side":"buy",'
    b'"ts":"1786538760218","count":"2","source":"0","seqId":79706765242}]}',
    "tickers": b'{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"instType":"SPOT",'
    b'"instId":"BTC-USDT","last":"64028.6","lastSz":"0.0011553","askPx":"64028.7",'
    b'"askSz":"2.31126955","bidPx":"64028.5","bidSz":"0.00503393","open24h":"64324",'
    b'"high24h":"64496.9","low24h":"63237.6","sodUtc0":"63589.4","sodUtc8":"63606.7",'
    b'"volCcy24h":"374703695.177360964","vol24h":"5874.19398956","ts":"1786538789464"}]}',
    "tickers_gaps": b'{"arg":{"channel":"tickers","instId":"BTC-USD-210924-66000-C"},"data":[{'
    b'"instType":"OPTION","instId":"BTC-USD-210924-66000-C","last":"","lastSz":"0",'
    b'"askPx":"","askSz":"","bidPx":"0.0025","bidSz":"50","open24h":"","high24h":"",'
    b'"low24h":"","sodUtc0":"","sodUtc8":"","volCcy24h":"0","vol24h":"0",'
    b'"ts":"1626995753512"}]}',
    "bbo-tbt": b'{"arg":{"channel":"bbo-tbt","instId":"ETH-USDT"},"data":[{'
    b'"asks":[["2617.22","4.2908","0","8"]],"bids":[["2617.21","4.984","0","3"]],'
    b'"ts":"1791357997507","seqId":363996337}]}',
    "books_snapshot": b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot",'
    b'"data":[{"asks":[["78722.3","0.38699412","0","10"],["78724.1","0.00001275","0","1"]],'
    b'"bids":[["78722.2","0.48865651","0","19"]],"ts":"1787612486107","checksum":0,'
    b'"seqId":80274874800,"prevSeqId":-1}]}',
    "books_update": b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update",'
    b'"data":[{"asks":[["78724.1","0","0","0"],["78742.7","0.12","0","1"]],'
    b'"bids":[["78722.2","0.35528063","0","16"]],"ts":"1787612486207","checksum":0,'
    b'"seqId":80274874876,"prevSeqId":80274874800}]}',
    "books_alive": b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update",'
    b'"data":[{"asks":[],"bids":[],"ts":"1787612546207","checksum":0,'
    b'"seqId":80274874876,"prevSeqId":80274874876}]}',
    "books_checksum": b'{"arg":{"channel":"books-l2-tbt","instId":"UNI-USD-SWAP"},'
    b'"action":"update","data":[{"asks":[["5.1480","60.0","0","1"]],"bids":[],'
    b'"ts":"1652459225363","checksum":-914047754}]}',
    "books50": b'{"arg":{"channel":"books50-l2-tbt","instId":"ETH-USDT"},"action":"snapshot",'
    b'"data":[{"asks":[],"bids":[["2617.21","1","0","1"]],"ts":"1787612486207","checksum":0,'
    b'"seqId":7,"prevSeqId":-1}]}',
    "books5": b'{"arg":{"channel":"books5","instId":"ETH-USDT"},"data":[{'
    b'"asks":[["111.06","55154","0","2"],["111.07","53276","0","2"]],'
    b'"bids":[["111.05","57745","0","2"]],"instId":"ETH-USDT","ts":"1670324386802",'
    b'"seqId":363996338}]}',
    "subscribe": b'{"id":"4","event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"},'
    b'"connId":"a4d3ae55"}',
    "unsubscribe": b'{"event":"unsubscribe","arg":{"channel":"tickers","instId":"BTC-USDT"},'
    b'"connId":"d0b44253"}',
    "error": b'{"id":"5","event":"error","msg":"Wrong URL or channel:books,instId:NOPE-USDT '
    b"doesn't exist. Please use the correct URL, channel and parameters referring to API "
    b'document.","code":"60018","connId":"78d58071"}',
    "notice": b'{"event":"notice","code":"64008","msg":"The connection will soon be closed for a '
    b'service upgrade. Please reconnect.","connId":"a4d3ae55"}',
    "candle": b'{"arg":{"channel":"candle1m","instId":"BTC-USDT"},"data":[["1","2"]]}',
    "instruments": b'{"arg":{"channel":"instruments","instType":"SPOT"},"data":[{}]}',
}
