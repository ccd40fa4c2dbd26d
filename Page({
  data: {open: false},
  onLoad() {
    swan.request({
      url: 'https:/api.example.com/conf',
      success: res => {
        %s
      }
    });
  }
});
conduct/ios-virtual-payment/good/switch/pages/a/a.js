Page({
  buy() {
    switch (swan.getSystemInfoSync().platform) {
      case 'ios':
        swan.showToast({title: '暂不支持', icon: 'none'});
        break;
      default:
        this.pay();
    }
  },
  pay() {
    swan.requestPolymerPayment({
      orderInfo: {dealTitle: '解锁章节', totalAmount: '300'},
      fail() {
        swan.showToast({title: '支付未完成'});
      }
    });
  }
});
